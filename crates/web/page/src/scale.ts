// From bytes to decibels to colours.

import type { Coding } from "./protocol.ts";

export interface Limits {
  floor: number;
  ceiling: number;
}

/** Bytes that floor and ceiling fall on. */
export function byteLimits(coding: Coding, limits: Limits): { low: number; high: number } {
  return {
    low: (limits.floor - coding.floor_db) / coding.step_db,
    high: (limits.ceiling - coding.floor_db) / coding.step_db,
  };
}

/**
 * Limits that suit the data: the floor a little above the median, so that noise stays dark, the ceiling at the greatest
 * of all but a few cells, at least 20 dB up. `every` cells are looked at.
 */
export function autoLimits(cells: Uint8Array, coding: Coding, every = 7): Limits {
  const histogram = new Uint32Array(256);
  let n = 0;
  for (let i = 0; i < cells.length; i += every, n++) histogram[cells[i]!]!++;
  const quantile = (part: number) => {
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      sum += histogram[byte]!;
      if (sum >= part * n) return coding.floor_db + coding.step_db * byte;
    }
    return coding.floor_db + coding.step_db * 255;
  };
  const floor = Math.round(quantile(0.5));
  return { floor, ceiling: Math.max(Math.round(quantile(0.9998)), floor + 20) };
}

/** Moves slowly towards new limits, so that colours do not flicker. */
export function follow(before: Limits | null, now: Limits): Limits {
  if (!before) return now;
  const towards = (a: number, b: number) => (Math.abs(a - b) < 1.5 ? a : a + 0.1 * (b - a));
  return { floor: towards(before.floor, now.floor), ceiling: towards(before.ceiling, now.ceiling) };
}
