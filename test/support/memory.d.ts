/** Types of the JavaScript beside it. */
export function useMemory(): void;
export function leaveMemory(): void;
