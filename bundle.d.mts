/** Bundles the program of `src` into a folder. */
export function bundle(folder: string): Promise<{ readonly outputs: object }>;
