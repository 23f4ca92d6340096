/**
 * The value of an arithmetic expression: decimal numbers, `+ - * / % ^` (power, binds to the right), parentheses, and
 * minus signs. Nothing else is known, no names and no calls, so it is safe to give it whatever a model wrote.
 *
 * @throws Error saying what is wrong and where; its text is meant for the model that wrote the expression
 */
export function evaluateArithmetic(expression: string): number {
  if (expression.length > maxLength) throw new Error(`the expression is longer than ${maxLength} characters`);
  const value = new Expression(expression).value();
  if (!Number.isFinite(value)) throw new Error('the result is not a finite number');
  return value;
}

const maxLength = 1_000;
const token = /\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(\*\*|[-+*/%^()]))/y;

class Expression {
  readonly #text: string;
  #at = 0;
  #end = 0;
  /** A number, an operator, or undefined at the end. */
  #next: number | string | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#advance();
  }

  value(): number {
    const value = this.#sum();
    if (this.#next !== undefined) throw this.#unexpected();
    return value;
  }

  #sum(): number {
    let value = this.#product();
    for (;;) {
      if (this.#take('+')) value += this.#product();
      else if (this.#take('-')) value -= this.#product();
      else return value;
    }
  }

  #product(): number {
    let value = this.#signed();
    for (;;) {
      if (this.#take('*')) value *= this.#signed();
      else if (this.#take('/')) value /= this.#signed();
      else if (this.#take('%')) value %= this.#signed();
      else return value;
    }
  }

  /** A minus binds less than a power: -2^2 is -4. */
  #signed(): number {
    if (this.#take('-')) return -this.#signed();
    if (this.#take('+')) return this.#signed();
    const base = this.#operand();
    return this.#take('^') || this.#take('**') ? base ** this.#signed() : base;
  }

  #operand(): number {
    if (typeof this.#next === 'number') {
      const value = this.#next;
      this.#advance();
      return value;
    }
    if (!this.#take('(')) throw this.#unexpected();
    const value = this.#sum();
    if (!this.#take(')')) throw this.#unexpected();
    return value;
  }

  #take(operator: string): boolean {
    if (this.#next !== operator) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    this.#at = this.#end;
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    if (found === null && this.#text.slice(this.#at).trim() !== '') throw this.#unexpected();
    this.#end = found === null ? this.#text.length : token.lastIndex;
    this.#next = found?.[1] === undefined ? found?.[2] : Number(found[1]);
  }

  #unexpected(): Error {
    const rest = this.#text.slice(this.#at).trim();
    if (rest === '') return new Error('the expression ends where a number or an operator should be');
    return new Error(`cannot read the expression at ${JSON.stringify(rest.slice(0, 20))}`);
  }
}
