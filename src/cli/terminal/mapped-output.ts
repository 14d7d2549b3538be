import type { OutputStream } from "../io.ts";

/** The same output, whose texts pass through `map`; bytes stay as they are. */
export function mappedOutput(stream: OutputStream, map: (text: string) => string): OutputStream {
  return new Proxy(stream, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "write")
        return (text: string | Uint8Array, ...rest: readonly unknown[]) =>
          Reflect.apply(target.write, target, [typeof text === "string" ? map(text) : text, ...rest]);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
