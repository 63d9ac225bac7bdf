/** Randomness as a port: the simulator's comes from its seed. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** 32 random hexadecimal digits. */
  id(): string;
}

/** A whole number, uniform in [0, below). */
export const below = (random: Random, bound: number): number => Math.floor(random.next() * bound);
