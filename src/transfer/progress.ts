/** How far a long task is, told at most every two seconds. */
export type Progress = (text: string) => void;

const EVERY_MS = 2000;

export function createProgress(say: (text: string) => void): Progress {
  let last = performance.now();
  return (text) => {
    if (performance.now() - last < EVERY_MS) return;
    last = performance.now();
    say(text);
  };
}
