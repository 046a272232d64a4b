/** What an operator can mend: a sentence that says what is wrong and what to do. */
export class Refused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refused';
  }
}
