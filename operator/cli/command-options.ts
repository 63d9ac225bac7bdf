import { InvalidArgumentError, Option } from "commander";
import { outputs } from "./table.ts";

const DATA_DEFAULT = "tidemark-data";

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const isGood = /^[0-9]+$/.test(text) && value >= least && value <= most;
    if (!isGood) throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

export const dataOption = (): Option =>
  new Option("--data <folder>", "data folder of the cluster").default(DATA_DEFAULT);

export const bootstrapOption = (): Option =>
  new Option("--bootstrap <host:port,…>", "brokers to ask first (default: those of --data, else 127.0.0.1:9092)");

export const outputOption = (): Option =>
  new Option("--output <form>", "a table for people, or json for programs").choices(outputs).default("table");
