/** Kinds of content by field name: they alone decide how a value is replaced, whatever the value looks like. */

/**
 * - `address`: with or without a domain. `host`: a name, or an IP in its brackets. `domain`: of an address, or the address that has none.
 * - `login`: an account behind its authenticator, `PLAIN:bob`. `actor`: who did something, a user or words of Exim's.
 * - `identifier`: Exim's, a Message-ID, or one of another server's, of any form.
 * - `argument`: of a command. `path`: of a file or directory. `text`: words, with anything in between. `harmless`: says nothing of anybody.
 * - `withheld`: nothing of it is shown, not even its words.
 * - `configured`: a name that Exim's configuration gives, as of a router; it is shown, in texts too.
 */
export type Secret =
  | "address"
  | "host"
  | "domain"
  | "login"
  | "actor"
  | "argument"
  | "subject"
  | "tag"
  | "path"
  | "identifier"
  | "text"
  | "withheld"
  | "configured"
  | "harmless";

/** Kinds by property name, or by the names of the parent and the property. */
const FIELDS: Readonly<Record<Secret, readonly string[]>> = {
  harmless: [
    "direction enhancedCode event kind logType mark next phase protocol seenIn status timeZone timestamp tls tone",
    "sha256 lastGiven completedAt deliveredAt deferredAt lastTriedAt first last category limits evidence state newestLine certainty basis agreeing part times condition action result residue advice severity signs",
    "createdAt updatedAt lastLogin role colour change",
    "start end fired found updated newest incidents.type changes.type changes.reason mutes.type mutes.until mutes.created hours.hour words.at",
    // Hidden by what they are about: see redact-stats.
    "rows.key problems.subjects",
  ],
  configured: ["router transport authenticator auth.authenticator"],
  address: [
    "sender senders recipient recipients forwarder refusedRecipients address finalAddress final parents original",
    "username osUser email fullName author authors notedBy",
    "envelopeSender envelopeRecipients headerMessageId message-id ident user users owner sudo_user auth.id",
    "addresses generated recipients.address rewrite.result identification.details.S final_address header_message_id",
  ],
  host: [
    "host helo server servers provider list failedFrom loginsFrom oldName newName parameters.name parameters.server",
    "host.name host.helo dns.name before.name after.name servers.name signature.domain",
  ],
  domain: ["domain identification.details.D"],
  login: ["auth account accounts succeeded"],
  actor: ["by"],
  argument: ["args"],
  subject: ["subject"],
  tag: ["tag tags tags.name"],
  withheld: ["note noteBefore"],
  path: [
    "spool directory path previousPath nextPath file files logs output archive backupDirectory config identityFile passphraseFile parameters.raw",
  ],
  identifier: ["eximIds queueIds statedId statements.headerMessageIds"],
  // Properties that have one name and hold something else in some places.
  text: ["configuration.subject verification.subject"],
};

const SECRETS: ReadonlyMap<string, Secret> = new Map(
  Object.entries(FIELDS).flatMap(([secret, names]) =>
    names.flatMap((some) => some.split(" ").map((name) => [name, secret as Secret] as const)),
  ),
);

/** Content of the property `name` of something under the property `parent`; an unknown property is text. */
export function secretOf(parent: string, name: string): Secret {
  return SECRETS.get(`${parent}.${name}`) ?? SECRETS.get(name) ?? "text";
}
