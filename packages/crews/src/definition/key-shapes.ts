import { z } from "zod";

/** Prose of a person. Folded scalars end with a line break that nobody means. */
export const prose = z
  .string()
  .transform((text) => text.trim())
  .refine((text) => text !== "", "must not be empty");

/** The name of something in a registry. */
export const reference = z.string().trim().min(1);

/** One name or several. */
export const references = z.union([reference.transform((name) => [name]), z.array(reference)]);

export const toolFailurePolicies = ["ignore", "warn", "raise"] as const;
export type ToolFailurePolicy = (typeof toolFailurePolicies)[number];

export const count = z.int().min(0);
export const positive = z.int().min(1);
