import type { OutputStream } from "../io.ts";

/** The same output, whose texts pass through `map`; bytes stay as they are. */
export function mappedOutput(stream: OutputStream, map: (text: string) => string): OutputStream {
  let write: unknown = (text: string | Uint8Array, ...rest: readonly unknown[]) =>
    Reflect.apply(stream.write, stream, [typeof text === "string" ? map(text) : text, ...rest]);
  return new Proxy(stream, {
    get(target, name) {
      if (name === "write") return write;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    // NOTE: a spinner puts a function of its own in this place, which calls the one before. On the stream behind it would call itself.
    set(target, name, value) {
      if (name !== "write") return Reflect.set(target, name, value, target);
      write = value;
      return true;
    },
  });
}
