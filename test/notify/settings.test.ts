/** Settings of channels: what is refused, where secrets come from, and that nothing shows one. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSecret } from "../../src/cli/flags/channel-secrets.ts";
import { loadConfiguration } from "../../src/cli/flags/configuration.ts";
import { listNotifySettings, readNotifySettings } from "../../src/cli/flags/notify-settings.ts";
import { temporaryFolder } from "../support/database.ts";
import { thrownBy } from "../support/pilot-error.ts";

function configurationOf(text: string, mode = 0o600) {
  const path = join(temporaryFolder(), "c.toml");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return loadConfiguration(path, true, undefined);
}

const TELEGRAM = '[channels.a]\ntype = "telegram"\nchat = 1\ntoken = "123:s3cret"\n';

describe("a configuration", () => {
  test.each([
    ['[notify]\ntears = ["a"]', "notify.tears", "tiers, minimum, fallback-after"],
    ['[notify]\ntiers = ["b"]', 'channel "b"', "[channels.b]"],
    [`[notify]\ntiers = ["b"]\n${TELEGRAM}`, 'channel "b"', "a."],
    ['[channels.a]\ntype = "pigeon"', '"pigeon"', "smtp, telegram, webhook, ntfy, slack, matrix"],
    ['[channels.a]\ntype = "ntfy"', 'gives no "channels.a.topic"', "type, topic"],
    [`[notify]\ntiers = ["a", "a"]\n${TELEGRAM}`, "names a channel twice", "tiers, minimum"],
    [`[notify]\nserious = { tiers = ["a", "a"] }\n${TELEGRAM}`, "names a channel twice", "tiers, minimum"],
    ["[channels.a]\nchat = 1", "channels.a.type", "smtp, telegram"],
    ['[channels.a]\ntype = "telegram"\nchat = 1', "no token", "token-file"],
    [`${TELEGRAM}token-file = "/x"`, "both token and token-file", "Leave one"],
    [`${TELEGRAM}colour = "red"`, "channels.a.colour", "type, chat, token"],
    ['[channels.a]\ntype = "slack"\nurl = "http://hooks.example/x"', "not encrypted", "https://"],
    ['[channels.a]\ntype = "slack"\nurl = "https://u:p@hooks.example/x"', "a user or a password", "https://"],
    ['[channels.a]\ntype = "ntfy"\ntopic = "t"\nurl = "file:///etc/passwd"', "not encrypted", "https://"],
    [
      '[channels.a]\ntype = "smtp"\nhost = "h"\nfrom = "a@b.c"\nto = ["x, y@z.example"]',
      "channels.a.to.0",
      "type, host",
    ],
    [
      '[channels.a]\ntype = "smtp"\nhost = "h"\nfrom = "a@b.c"\nto = ["x@y.z"]\nuser = "u"',
      "only one of",
      "password-file",
    ],
    [
      '[channels.a]\ntype = "smtp"\nhost = "h"\nfrom = "a@b.c"\nto = ["x@y.z"]\nuser = "u"\npassword = "p"\nencryption = "none"',
      "to whoever answers",
      "starttls",
    ],
    ['[notify]\nfallback-after = "soon"', "no duration", "5min"],
  ])("%j is refused, with what there is instead", (text, says, hint) => {
    const error = thrownBy(() => readNotifySettings(configurationOf(text)));
    expect(error.code).toBe("usage");
    expect(error.message).toContain(says);
    expect(error.hint).toContain(hint);
    expect(error.message).not.toContain("s3cret");
  });

  test("with a secret in it is refused where others can read it", () => {
    expect(thrownBy(() => readNotifySettings(configurationOf(TELEGRAM, 0o644))).message).toContain(
      "can be read by others",
    );
    expect(readNotifySettings(configurationOf(TELEGRAM, 0o640)).channels.size).toBe(1);
    const file = TELEGRAM.replace('token = "123:s3cret"', 'token-file = "/x"');
    expect(readNotifySettings(configurationOf(file, 0o644)).channels.size).toBe(1);
  });

  test("redacts all channels but mail, and encrypts mail that leaves this machine", () => {
    const mail = (host: string) => `[channels.b]\ntype = "smtp"\nhost = "${host}"\nfrom = "a@b.c"\nto = ["x@y.z"]\n`;
    const { channels } = readNotifySettings(configurationOf(`${TELEGRAM}${mail("mx.example")}`));
    expect(channels.get("a")).toMatchObject({ redact: true });
    expect(channels.get("b")).toMatchObject({ redact: false, encryption: "opportunistic", port: 25 });
    expect(readNotifySettings(configurationOf(mail("127.0.0.1"))).channels.get("b")).toMatchObject({
      encryption: "none",
    });
  });

  test("shows secrets as set", () => {
    const text = `${TELEGRAM}[channels.b]\ntype = "slack"\nurl = "https://hooks.example/s3cret"\n`;
    const rows = listNotifySettings(configurationOf(text));
    expect(JSON.stringify(rows)).not.toContain("s3cret");
    expect(rows).toContainEqual({ setting: "channels.a.token", value: "set" });
    expect(rows).toContainEqual({ setting: "channels.b.url", value: "set" });
  });
});

describe("a secret", () => {
  const write = (content: string, mode = 0o600): string => {
    const path = join(temporaryFolder(), "secret");
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };
  const read = (path: string) => readSecret({ kind: "file", path }, {});

  test("is the first line of a file, or of a credential of systemd", () => {
    const path = write("s3cret\nrest\n");
    expect(read(path)).toBe("s3cret");
    const credentials = { CREDENTIALS_DIRECTORY: join(path, "..") };
    expect(readSecret({ kind: "credential", name: "secret" }, credentials)).toBe("s3cret");
  });

  test("that others can use, that is missing, or that is none, is refused without being shown", () => {
    expect(thrownBy(() => read(write("s3cret", 0o644))).message).toMatch(/can be used by others \(mode 644\)/);
    expect(thrownBy(() => read("/nowhere/secret")).code).toBe("unreadable");
    for (const content of ["", "\n", "two words", "tab\tin it", "ключ"])
      expect(thrownBy(() => read(write(content))).message).toContain("does not begin with a secret");
    expect(thrownBy(() => readSecret({ kind: "credential", name: "x" }, {})).message).toContain("credentials");
  });
});
