/** Replies of other servers and errors of this one, as data: whose reply it is, what each code and phrase means, and why we think so. */

/** Meaning of each class. */
export const FAILURE_CATEGORIES = {
  unknown_user: "The other side knows no such recipient, or the account is closed.",
  mailbox_full: "The recipient's mailbox is over its quota.",
  greylisting: "The other side asks to come back later, as it does with everyone at first.",
  rate_limit: "Too much mail or too many connections from here at one time.",
  busy: "The other side is overloaded or fails for now.",
  reputation: "The other side distrusts this server's address: a block list, or its own memory.",
  policy: "The other side does not want the message: spam, relaying, SPF, DKIM, DMARC, its own rules.",
  content: "The message itself: malware, a forbidden attachment, a malformed header.",
  size: "The message is too large for the other side.",
  tls: "No encrypted connection could be made, or its certificate was refused.",
  authentication: "A login at the other side failed.",
  dns: "The domain or the host could not be looked up, or leads nowhere.",
  connection: "The host could not be reached, or the connection broke.",
  timeout: "The host did not answer in time.",
  local: "This server: a file, a pipe, a lock, a configuration.",
  other: "None of these words fits.",
} as const satisfies Record<string, string>;

export type FailureCategory = keyof typeof FAILURE_CATEGORIES;

/** Advice for each class. */
export const FAILURE_ADVICE: Readonly<Record<FailureCategory, string>> = {
  unknown_user: "Remove or correct the address.",
  mailbox_full: "Only the recipient can make room.",
  greylisting: "Wait: Exim tries again.",
  rate_limit: "Send more slowly, with fewer connections.",
  busy: "Wait; write to its postmaster when it lasts for days.",
  reputation: "Find the abuse, then ask to be removed from the list.",
  policy: "Read the reply and check the sender's DNS.",
  content: "Mend what writes the message.",
  size: "Send a link instead.",
  tls: "Compare the TLS settings of both sides.",
  authentication: "Check the user name and the password of the transport.",
  dns: "Check the domain's spelling and its MX records.",
  connection: "Check the network, the port and firewalls.",
  timeout: "Try the host by hand; look at the network and at its load.",
  local: "Read the panic log and the transport's options.",
  other: "Read the reply.",
};

/** Operators whose codes have a meaning of their own, each with what to do when they refuse mail. */
export const OPERATORS = {
  apple: "Apple (iCloud): write to icloudadmin@apple.com with the code in brackets.",
  barracuda: "Barracuda: look the address up in Barracuda Central, and ask there to be removed.",
  cisco: "Cisco (IronPort): look the address up in Talos, which decides its reputation.",
  comcast: "Comcast (Xfinity): look the code after # up on the page that the reply names.",
  cox: "Cox: look the code after AUP# up on its page of e-mail error codes.",
  gmx: "GMX, web.de, Ionos: look the case up whose letter the reply names on the postmaster pages.",
  google: "Gmail: sign with DKIM, publish SPF and DMARC, and look at Postmaster Tools.",
  laposte: "Laposte.net, SFR: sign with DKIM, join the feedback loop of Signal Spam, and send more slowly.",
  microsoft: "Microsoft 365, Outlook.com: ask for removal in the delist portal; enrol in SNDS and JMRP.",
  mimecast: "Mimecast: ask the recipient's administrator to permit the sender; a first 451 is its greylisting.",
  orange: "Orange, Wanadoo: use fewer connections, join Signal Spam, and look the address up at Cloudmark.",
  proofpoint: "Proofpoint: look the address up in its block list, and ask there to be removed.",
  qmail: "qmail and its patches: the words before the code in brackets are the reason; write to the postmaster.",
  spectrum: "Spectrum (Charter): look the code after AUP# up on its page of e-mail errors.",
  t_online: "T-Online: write to tosa@rx.t-online.de; the server's name must lead to an imprint.",
  yahoo: "Yahoo, AOL: sign with DKIM, enrol in the complaint feedback loop, and send more slowly.",
} as const satisfies Record<string, string>;

export type Operator = keyof typeof OPERATORS;

interface OperatorSigns {
  readonly operator: Operator;
  /** Suffixes of the names of its MX hosts. */
  readonly hosts: readonly string[];
  /** In a reply, and in no other operator's. */
  readonly signature: RegExp;
}

export const OPERATOR_SIGNS: readonly OperatorSigns[] = [
  {
    operator: "google",
    hosts: ["google.com", "googlemail.com", "smtp.goog"],
    signature: /- (?:gsmtp|gcdp)\b|\bGmail\b/,
  },
  {
    operator: "microsoft",
    hosts: ["protection.outlook.com", "mx.microsoft", "hotmail.com"],
    signature:
      /\((?:AS\d{3,}|S\d{3,4})\)|\b(?:RESOLVER|STOREDRV|ROUTING)\.[A-Z]|\[LastAttemptedServer|\b(?:ATTR|PRX|TSTE)\d*\b|\b(?:eop|prod)-?[\w-]*\.(?:prod\.)?protection\.outlook\.com|\b[SBO][A-Z]-00\d\b|\b[45]\.7\.[5-9]\d\d\b/,
  },
  {
    operator: "yahoo",
    hosts: ["yahoodns.net", "yahoo.com", "aol.com"],
    signature: /\[(?:TSS?\d\d|BL\d\d|PH\d\d|RLY:\w+|GL\d\d|IPTS\d\d)\]|delivery error: dd |\/error-codes\b/,
  },
  {
    operator: "apple",
    hosts: ["mail.icloud.com", "apple.com"],
    signature: /\[(?:HM|CS|HME|HC)\d\d\]|\/HT204137\b/,
  },
  {
    operator: "gmx",
    hosts: ["gmx.net", "web.de", "gmx.de", "kundenserver.de", "ionos.com", "ionos.de", "1and1.com"],
    signature: /\bNemesis ESMTP\b|\/case\?c=|For explanation visit/,
  },
  {
    operator: "t_online",
    hosts: ["t-online.de"],
    signature: /\btosa@|IP[=:][\da-f.:]+ - /,
  },
  {
    operator: "mimecast",
    hosts: ["mimecast.com", "mimecast-offshore.com", "mimecast.co.za"],
    signature: /\/DOC-1369#|\bmimecast\b/i,
  },
  { operator: "proofpoint", hosts: ["pphosted.com", "ppe-hosted.com"], signature: /dnsbl-lookup\.cgi|\bproofpoint\b/i },
  {
    operator: "barracuda",
    hosts: ["barracudanetworks.com"],
    signature: /permanent failure for one or more recipients|\bcuda_nsu\b|\bbarracuda\b/i,
  },
  { operator: "spectrum", hosts: ["charter.net", "spectrum.net"], signature: /\bAUP#(?:In|Out|I|O)-?\d{4}\b/ },
  { operator: "cox", hosts: ["cox.net", "cloudfilter.net"], signature: /\bAUP#(?:CX|CD|IPBL|URLBL)/ },
  { operator: "comcast", hosts: ["comcast.net"], signature: /#(?:BL|DM|ES|RL|PT)\d{4,}\b/ },
  { operator: "orange", hosts: ["orange.fr", "wanadoo.fr"], signature: /\bOFR\d{0,3}_\d{3}\b/ },
  { operator: "laposte", hosts: ["laposte.net", "sfr.fr"], signature: /\bLPN\w{0,3}_\d{3}\b/ },
  { operator: "cisco", hosts: ["iphmx.com"], signature: /sending MTA's poor reputation|\bironport\b/i },
  {
    operator: "qmail",
    hosts: [],
    signature: /\(#[245]\.\d\.\d|\bqq (?:trouble|write|internal|out)|\bchkuser\b|rcpthosts\b/,
  },
];

export interface ReplyRule {
  /** Only of replies of this operator; left out: of any. */
  readonly operator?: Operator;
  /** Only with this detail of the enhanced code: `7.26`, or a form of it. */
  readonly enhanced?: string | RegExp;
  readonly basic?: number | RegExp;
  /** In the words of the reply, without names and addresses. */
  readonly words?: RegExp;
  readonly category: FailureCategory;
  /** Document that gives the meaning of the code or the words. */
  readonly source: string;
}

/** The rules of one operator. */
function rulesOf(
  operator: Operator,
  source: string,
  rules: readonly Omit<ReplyRule, "operator" | "source">[],
): readonly ReplyRule[] {
  return rules.map((rule) => ({ ...rule, operator, source }));
}

const M365 = "Exchange Online non-delivery reports";

/** Codes of Exchange that nobody else uses, so that they mean the same from any host. */
const EXCHANGE_CODES: readonly ReplyRule[] = [
  { enhanced: "1.10", words: /RecipientNotFound|recipient\b.*not found/i, category: "unknown_user", source: M365 },
  {
    enhanced: "4.1",
    words: /recipient address(?:es)? rejected ?: access denied/i,
    category: "unknown_user",
    source: M365,
  },
  {
    enhanced: /^7\.(?:[56]\d\d|8[5-9]\d)$/,
    words: /access denied, please try again/i,
    category: "reputation",
    source: M365,
  },
  { enhanced: /^1\.(?:351|11|13|14|15|16)$/, category: "unknown_user", source: M365 },
  { enhanced: "7.504", category: "unknown_user", source: M365 },
  { enhanced: /^(?:1\.90|2\.12[12]|7\.70[15]|7\.233|7\.232|7\.508)$/, category: "rate_limit", source: M365 },
  { enhanced: /^7\.(?:511|50[1-3]|513|6\d\d|70[68])$/, category: "reputation", source: M365 },
  { enhanced: /^7\.(?:1[1-3]\d|193|50[5-79]|51[045]|520|51|54|60|64|750)$/, category: "policy", source: M365 },
  { enhanced: "7.57", category: "authentication", source: M365 },
  { enhanced: "7.512", category: "content", source: M365 },
  { enhanced: /^4\.3(?:0\d|99)$/, category: "timeout", source: M365 },
  { enhanced: /^4\.31[0-2]$/, category: "dns", source: M365 },
  { enhanced: /^4\.31[56]$/, category: "connection", source: M365 },
  { enhanced: /^(?:4\.317|4\.318|7\.32[0-9])$/, category: "tls", source: M365 },
];

/** The first that fits decides. */
export const OPERATOR_RULES: readonly ReplyRule[] = [
  ...EXCHANGE_CODES,
  ...rulesOf("google", "Gmail SMTP errors and codes", [
    { enhanced: "7.28", category: "rate_limit" },
    { enhanced: /^7\.(?:2[5-79]|3\d|40)$/, category: "policy" },
    { words: /(?:sending quota|relay limit|sending limit) exceeded/i, category: "rate_limit" },
    { words: /\bat a rate that\b|too quickly/i, category: "rate_limit" },
    { enhanced: "5.3", category: "rate_limit" },
    { words: /connection expired/i, category: "timeout" },
    { words: /domain policy size/i, category: "busy" },
    { enhanced: /^7\./, words: /content presents a potential|illegal attachment/i, category: "content" },
    { enhanced: /^1\.[23]$/, words: /is not a valid/i, category: "unknown_user" },
    { enhanced: "1.7", category: "policy" },
    {
      words:
        /\bRFC[ -]?5322\b|multiple .{0,20}(?:addresses in From|headers)|missing a valid (?:address|message-id)|disallowed header|encoded-word/i,
      category: "content",
    },
    { words: /over quota|out of storage/i, category: "mailbox_full" },
    { words: /not authorized to send email directly/i, category: "policy" },
    { words: /unauthenticated/i, category: "policy" },
    { words: /exceeded \d+ hops/i, category: "other" },
  ]),
  ...rulesOf("microsoft", M365, [
    { words: /relay access denied|unable to relay/i, category: "policy" },
    { basic: 550, enhanced: "4.1", category: "unknown_user" },
    { words: /thread limit|submission quota|exceeded (?:permitted limits|threshold)/i, category: "rate_limit" },
    { words: /queue quota exceeded|temporary server error|failed to be replicated/i, category: "busy" },
    { words: /quotaexceeded/i, category: "mailbox_full" },
    { words: /part of their network is on our block ?list|traffic not accepted from this ip/i, category: "reputation" },
    { words: /for policy reasons/i, category: "policy" },
    { enhanced: /^7\.1[23]$/, category: "policy" },
    { words: /content filter agent/i, category: "policy" },
    { words: /too many related errors/i, category: "content" },
    { words: /message depth exceeded/i, category: "other" },
  ]),
  ...rulesOf("yahoo", "Yahoo Sender Hub, SMTP error codes", [
    {
      words: /\[(?:TSS?\d\d|BL\d\d|IPTS\d\d)\].*(?:permanently deferred|spamhaus|not be accepted)/i,
      category: "reputation",
    },
    // NOTE: where complaints are named, sending more slowly is not enough.
    { words: /\[TSS?\d\d\].*user complaints/i, category: "reputation" },
    { words: /\[(?:TSS?0[45]|GL01|IPTS04)\]/i, category: "rate_limit" },
    { words: /\[(?:TSS?\d\d|BL\d\d)\]|permanently deferred/i, category: "reputation" },
    {
      words: /doesn't have a|mailbox is disabled|\b554\.30\b|not a valid recipient|no longer valid/i,
      category: "unknown_user",
    },
    { enhanced: "7.9", category: "policy" },
    { words: /\[PH\d\d\]|policy reasons|unresolvable rfc/i, category: "policy" },
  ]),
  ...rulesOf("apple", "iCloud Mail, postmaster information", [
    { words: /\[(?:HM08|CS\d\d|HC\d\d)\]|local policy|DMARC/i, category: "policy" },
    { words: /excessive volume/i, category: "rate_limit" },
  ]),
  ...rulesOf("gmx", "GMX and web.de postmaster pages", [
    { words: /block ?listed|IP address is/i, category: "reputation" },
    { words: /bad dns ptr|invalid dns|policy (?:restrictions|violations)|SPF policy/i, category: "policy" },
  ]),
  ...rulesOf("t_online", "Telekom postmaster, FAQ", [
    { words: /\((?:NOWL|NORDNS|DNS|HELO|DIAL|HOSTNAME|IMPRINT)\)/, category: "policy" },
    { words: /\(RATE\)|too many connections/i, category: "rate_limit" },
    { words: /\(BL\)|bad reputation|a problem occurred/i, category: "reputation" },
  ]),
  ...rulesOf("mimecast", "Mimecast SMTP error codes", [
    { basic: 451, words: /internal resources? (?:are |is )?temporarily unavailable/i, category: "greylisting" },
    { words: /sender address blocked|envelope (?:blocked|rejected)|blocked senders/i, category: "policy" },
    { words: /unable to process connection|is temporarily unavailable/i, category: "busy" },
    {
      words: /thread limit|(?:message|recipient|connection|sending) limit|limit (?:exceeded|reached)/i,
      category: "rate_limit",
    },
    { words: /\breputation\b/i, category: "reputation" },
    { words: /security policies|virus signature/i, category: "content" },
    { words: /high-strength ciphers/i, category: "tls" },
    { words: /failed to authenticate/i, category: "authentication" },
    { words: /anti-?spoofing|local policy/i, category: "policy" },
  ]),
  ...rulesOf("spectrum", "Spectrum e-mail error codes", [
    { words: /\bAUP#\w+-(?:1000|12[0-5]0)\b/, category: "reputation" },
    { words: /\bAUP#\w+-(?:13\d0|14\d0|1540|1550|1580)\b/, category: "rate_limit" },
    { words: /\bAUP#\w+-1530\b/, category: "size" },
    { words: /\bAUP#\w+-1090\b/, category: "busy" },
    { words: /\bAUP#\w+-1[015]\d0\b|\bAUP#\w+-11[0-9]0\b/, category: "policy" },
  ]),
  ...rulesOf("cox", "Cox e-mail error codes", [
    { words: /\b(?:CXBL|CDRBL|IPBL\d+)\b/, category: "reputation" },
    { words: /\b(?:CXCNCT|CXMXRT|CXTHRT|CXMJ)\b/, category: "rate_limit" },
    { words: /\b(?:CXDNS|CXSNDR|CXSMTP|URLBL\d+)\b/, category: "policy" },
  ]),
  ...rulesOf("comcast", "Comcast postmaster, SMTP error codes", [
    { words: /\bblock(?:ed)? for spam\b|dynamic/i, category: "reputation" },
    { words: /\bPTR\b|reverse dns/i, category: "policy" },
    { words: /too many (?:recent )?messages|too many sessions/i, category: "rate_limit" },
    { words: /quota/i, category: "mailbox_full" },
  ]),
  ...(["orange", "laposte"] as const).flatMap((operator) =>
    rulesOf(operator, "Orange and Laposte.net postmaster, list of codes", [
      { words: /_10[1-3]\b|_(?:510|999)\b/, category: "reputation" },
      { words: /_104\b/, category: "rate_limit" },
      { words: /_(?:305|402)\b/, category: "authentication" },
      { words: /_(?:401|403|405|415|421|506|513|517|630)\b/, category: "policy" },
      { words: /_417\b/, category: "mailbox_full" },
      { words: /_(?:416|420|426)\b/, category: "unknown_user" },
      { words: /_514\b/, category: "size" },
      { words: /_(?:10[5-9]|201|42[34]|50[35])\b/, category: "busy" },
    ]),
  ),
  ...rulesOf("proofpoint", "Proofpoint block list page", [{ words: /\bblocked - see/i, category: "reputation" }]),
  ...rulesOf("qmail", "Sources of qmail and of chkuser", [
    { words: /\bqq\b|out of memory|unable to read controls|temporary envelope failure/i, category: "busy" },
    { words: /allowed rcpthosts/i, category: "policy" },
    { words: /no mailbox here by that name|(?:badrcptto|badrecipientto|validrcptto)/i, category: "unknown_user" },
    { words: /dns temporary failure/i, category: "dns" },
  ]),
];

const IANA = "IANA registry of RFC 5248";

/** A code that names one thing. */
export const CODE_RULES: readonly ReplyRule[] = [
  {
    enhanced: "1.1",
    words: /over ?-?quota|quota (?:exceeded|violation)|(?:mailbox|bo[iî]te\b.{0,30}) (?:is )?(?:full|pleine)/i,
    category: "mailbox_full",
    source: "RFC 5321: 452 and 552 are about storage",
  },
  { enhanced: "1.1", words: /too many recent messages/i, category: "rate_limit", source: "RFC 5321: 452" },
  {
    basic: /^4/,
    enhanced: "1.1",
    words: /unverified address|verification in progress/i,
    category: "busy",
    source: "Postfix: address verification",
  },
  { enhanced: /^1\.(?:1|3|6)$/, category: "unknown_user", source: IANA },
  { enhanced: "1.0", words: /address rejected/i, category: "unknown_user", source: "Cisco: recipient access" },
  { enhanced: /^1\.(?:2|10)$/, category: "dns", source: IANA },
  { enhanced: /^1\.[789]$/, category: "policy", source: IANA },
  { enhanced: "2.2", category: "mailbox_full", source: IANA },
  { enhanced: /^(?:2\.3|3\.4)$/, category: "size", source: IANA },
  {
    enhanced: /^4\.[34]$/,
    words: /server error|disk space|system storage/i,
    category: "busy",
    source: "RFC 5321: 451, 452",
  },
  { enhanced: /^4\.[34]$/, category: "dns", source: IANA },
  { enhanced: "4.6", category: "other", source: IANA },
  { enhanced: "4.14", category: "other", source: M365 },
  { enhanced: "4.7", category: "timeout", source: IANA },
  { enhanced: "5.3", category: "rate_limit", source: IANA },
  { enhanced: /^7\.(?:4|5|10)$/, category: "tls", source: IANA },
  { enhanced: /^7\.(?:8|13)$/, category: "authentication", source: IANA },
  { enhanced: "7.17", category: "unknown_user", source: IANA },
  { enhanced: "7.18", category: "dns", source: IANA },
  { enhanced: /^7\.(?:2[0-7]|29|30)$/, category: "policy", source: IANA },
  { enhanced: "7.28", category: "rate_limit", source: IANA },
  { basic: 535, category: "authentication", source: "RFC 4954" },
];

const PRACTICE = "wording of Exim, Postfix, Sendmail, qmail, Exchange and their filters";

function words(category: FailureCategory, pattern: RegExp, source = PRACTICE): ReplyRule {
  return { category, words: pattern, source };
}

/** One pattern of several, in either case. */
function anyOf(...patterns: readonly RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join("|"), "i");
}

/** Classes by words of a reply: the more specific first. */
export const WORD_RULES: readonly ReplyRule[] = [
  words("other", /hop count|mail loop|too many hops|(?:routing|forwarding) loop|loop (?:detected|count)|\blooping\b/i),
  words(
    "greylisting",
    /gr[ea]y-?list|policy rejection\W+please try later|deferred for \d+ seconds as .*first|first (?:time|attempt).*(?:later|again)/i,
  ),
  words(
    "busy",
    /\b(?:recipient|mailbox|user|service|account)\b(?: is)? temporarily unavailable|unverified address|queue quota|failed to be replicated/i,
  ),
  words(
    "policy",
    anyOf(
      /unauthenticated(?! \w+ (?:user|login))/,
      /\bSPF\b|sender policy framework|\bDKIM\b|\bDMARC\b|domain-?keys|purported\s+responsible/,
      /(?:batv|backscatter|bounce address tag)\b/,
    ),
  ),
  words("content", /virus|malware|phish|infected|malicious|trojan|due to security policies/i),
  words(
    "unknown_user",
    anyOf(
      /user does(?: not|n't) exist|\bno such user|(?:^|\W)user (?:unknown|not found|not exist)|unknown user/,
      /addressee unknown|userunknown|recipient ?notfound/,
    ),
  ),
  words(
    "reputation",
    /\b(?:helo|mailfrom|sender|from) (?:address )?domain is listed|\bclient\b.{0,60}\bblocked using|on one or more dnsbls?/i,
  ),
  words(
    "policy",
    anyOf(
      /\bPTR\b|reverse[ -](?:dns|hostname|lookup)|\brdns\b|find your (?:reverse )?hostname|ip name lookup failed/,
      /unverif[iy]+able sending|invalid dns|\bhelo\b|\behlo\b|forward dns entry|does not resolve to|mismatches client/,
    ),
  ),
  words("rate_limit", /frequency limited/i),
  words(
    "reputation",
    anyOf(
      /\blook-up\*|black ?-?(?:list|hole)|block ?-?list|deny ?list|\bdns[bw]ls?\b|\brbls?\b/,
      /\blisted (?:at|in|by|on|as abusive)\b|\b(?:blocked|rejected) (?:using|by|due to) (?:\*|list)/,
      /spamhaus|spamcop|senderbase|reputation|bann?ed sending|banned sender|identified as spammer/,
      /(?:client host|ip(?: address)?|connection|adresse ip)\b.*(?:blocked|bloqu\w+|gesperrt|geblokkeerd|bloccat\w+)/,
      /\bIP\* ?(?:is |was |has been )?(?:rejected|refused|denied|not allowed|found in)/,
      /(?:mail|messages?|e-?mails?|connections?|access) from (?:ip )?\[?IP\*\]? ?(?:is |are |was |were |has been )?(?:rejected|refused|denied|blocked|not accepted)/,
      /\b(?:bad|poor|dynamic|residential|generic|abusive) (?:sender )?(?:ip|ips|hosts?)\b|not (?:currently )?accepting mail from your ip/,
      /unwanted messages have been sent|blocked for (?:spam|abuse)|user complaints|spamming (?:issues|host|ip)/,
    ),
  ),
  words("mailbox_full", /user has too many messages/i),
  words(
    "rate_limit",
    anyOf(
      /rate[ -]?limit|frequency limited|throttl|exceed\w* .*(?:\brate|connections|per (?:hour|minute|day)|frequency)/,
      /too many (?:\w+ )?(?:connections?|messages|recipients|sessions|errors|concurren\w+|e?-?mails?\b|invalid|unknown|bad commands)/,
      /too much mail(?! data)|concurrent connections|connections? .*exceeded|connection limit|maximum connection/,
      /too (?:quickly|fast|frequently)|sending too|slow(?:er| down)|at a rate that|excessive (?:volume|rate)/,
      /unexpected volume|unusual rate|sending limit|daily (?:limit|quota)|hourly|zu viele|trop de connexions|troppe|demasiad[ao]s/,
      /max(?:imum)?\b.{0,20}messages? per (?:connection|session)|message threshold|numerous attempts|exceeded threshold/,
    ),
  ),
  words(
    "mailbox_full",
    anyOf(
      /\b(?:over|exceed\w*|disk|disc|mailbox|storage)[- ]?(?: ?the)? ?quota|quota (?:is )?(?:exceeded|full|reached)|over-?quota/,
      /(?:mailbox|mail ?box|inbox|mailfolder|boite|postfach|casella|buz[oó]n|account|user|space)\b.{0,30}(?:\bfull|pleine|voll\b|piena|llen[ao]|over(?!\w)|used up)/,
      /full mailbox|exceeded storage allocation|storage (?:space|limit)|maximum (?:allowed )?storage|out of storage|speichervolumen/,
      /mailbox\b.{0,25}(?:exceed\w*\b.{0,25}limit|size limit|enough space)|disk space limit|blocks limit|too much mail data/,
      /does(?: not|n't) have enough space|quota/,
    ),
  ),
  words("content", /headers? (?:is )?too|header size/i),
  words(
    "size",
    /(?<!in the queue )too (?:large|big|long)\b(?!.*header)|size (?:exceeds|limit)|message size|message length exceeds|exceeds .*size|maximum .*size|line limit exceeded|zu gro(?:ss|ß)|taille limite/i,
  ),
  words(
    "content",
    anyOf(
      /header (?:error|is|missing|format)|headers too|duplicate header|malformed|attachment|message content|content rejected/,
      /\bbanned (?:content|file|name|attachment)|\bBANNED:|bare (?:LF|CR)|lone (?:CR|LF)|\bRFC ?5?[28]?[28]22\b/,
      /not RFC|(?:compliant|compliance) with RFC|RFC compliant|improper(?:ly| use)|unnecessary base64/,
      /missing (?:from|date|message-id)|multiple .*header|8-?bit|\bMIME\b/,
    ),
  ),
  words("tls", /STARTTLS|\bTLS\b|\bSSL\b|certificate|handshake|\bDANE\b|encryption (?:required|needed)|\bciphers?\b/i),
  words(
    "policy",
    /message content rejected|spam|\brelay(?!=)|smtp server of your isp|allowed rcpthosts?|not a gateway/i,
  ),
  words(
    "policy",
    anyOf(
      /sender (?:address )?(?:rejected|denied|refused|blocked|verify|not)|domain of sender|rejected for policy|invalid sender/,
      /sender(?:'s)? domain|emetteur|absender|mittente|mail from not owned|unroutable sender|from: domain|not subscribed|members-only|mailing list/,
    ),
  ),
  words(
    "timeout",
    /(?:delivery|message|queue|retry|connection)\b.{0,20}\bexpired|in the queue too long|allowed queue period|could not be delivered for\b/i,
  ),
  words(
    "dns",
    anyOf(
      /domain (?:not found|does(?: not|n't) exist|is not reachable|name not found|unknown)|mail domain\b.{0,40}\bunknown/,
      /domain (?:part )?(?:\w+ ){0,6}does(?: not|n't) exist|domain must exist|dead domain|unroute?able mail domain/,
      /no such (?:host|domain)|unknown (?:host|domain)|(?:host|domain) unknown|invalid domain|host not found/,
      /name serv(?:er|ice)|\bDNS\b|\bNXDOMAIN\b|null ?MX|no mx record|does not accept (?:any )?e?-?mail|reserved by RFC|resolve route/,
    ),
  ),
  words(
    "unknown_user",
    anyOf(
      /unknown (?:or (?:illegal|invalid) )?(?:\w+ )?(?:user|recipient|address|local|mailbox|account|alias)/,
      /(?:user|recipient|address|mailbox|account|addressee|alias|spectator)\b.{0,40}\b(?:unknown|unavail?able|not found|does(?: not|n't) exist|not exist|may not exist|disabled|closed|inactive|suspended?|locked|frozen|blocked|bloque|deactivated|terminated|archived|archivee?|expired|no longer|not known|invalid|not valid|not active|not ok|not (?:a )?local|no such|inconnue?|unbekannt|desconocid\w|sconosciut\w|onbekend|no existe|n'existe pas|nicht bekannt|nicht gefunden|nicht verf[uü]e?gbar|non esiste|bestaat niet)/,
      /(?:no|not a?) ?(?:such|valid|known|active|deliverable) (?:user|recipient|mailbox|person|address|account|e-?mail address)/,
      /no (?:mail ?box|account|user|recipient|one)s? (?:here|by|with|named|found|at|available)|not our (?:user|customer)/,
      /unrout(?:e)?able address|invalid (?:recipient|mailbox|address|user)|not (?:in|on) (?:the |our )?(?:recipient|user|directory)/,
      /(?:disabled|inactive|deactivated|suspended|archived|closed) (?:recipient|mailbox|user|account|e-?mail)/,
      /address(?:es)? (?:not present|were unknown)|could not be found|not (?:an )?active address|missing home directory/,
      /(?:destinataire|adresse)\b.{0,30}(?:inconnue?|invalide|archivee?)|utilisateur inconnu|empf[aä]nger unbekannt|benutzer (?:nicht|unbekannt)/,
      /no existe (?:dicha|ese|el|la)|nessun utente|recipient.*no longer on|does(?: not|n't) have an? .*account|mailbox not/,
      /utente sconosciuto|usuario desconocido|kein (?:solche\w )?(?:postfach|benutzer)|hasn't .*account/,
      /no longer (?:employed|works|valid|here)|(?:has been|currently) suspended|is disabled|can't accept user|invalid or unknown/,
      /has moved|extended inactivity|recipients? (?:was|were) undeliverable|recipient rejected\W*$|\b(?:badrcptto|badrecipientto|validrcptto)\b|not (?:a )?local address/,
    ),
  ),
  words(
    "authentication",
    /authenti(?:cation|fication) (?:required|failed|failure|is required|credentials|requise|invalide)|requires authenti|auth\w* ?required|not (?:been )?authenticated|failed to authenticate|\bAUTH\b|login/i,
  ),
  words(
    "policy",
    anyOf(
      /spam|\bUBE\b|unsolicited|junk|\brelay(?!=)|policy|policies|prohibited|administrative|blocked|banned|filter(?:ed|s)?\b/,
      /not (?:allowed|permitted|authori[sz]ed|verified|accepted|wanted|welcome)|forbidden|access (?:denied|rejected)|denied/,
      /abgelehnt|mail rejet|rejected by|restricted|content reject|low priority|mass mailer|captcha|organi[sz]ational settings/,
      /only accepting mail from|senders to accept|no third-party|you don't authenticate|mail for this|confirm this mail server/,
    ),
  ),
  words("timeout", /time(?:d)? ?-?out|message expired|did(?: not|n't) respond/i),
  words(
    "busy",
    anyOf(
      /service (?:is )?(?:currently |temporarily )?(?:not available|unavailable|refus)|temporar(?:y|ily)/,
      /(?:try|retry|come back)\b.{0,20}\b(?:later|again)|later\b.*\btry|overload|\bbusy\b|load (?:average|is)/,
      /insufficient (?:system |disk )?(?:storage|resources|space)|not (?:enough|sufficient) (?:disk )?space|out of (?:memory|disk)/,
      /disk is full|no space left|system full|internal (?:system |server )?error|system error|server (?:error|configuration)|queue file/,
      /local (?:error|problem)|could not (?:load|complete)|closing (?:transmission|connection)|resources|lookup fail|maintenance/,
      /shutting down|not accepting (?:connections|messages|network)|plus tard|sp[aä]ter|m[aá]s tarde|pi[uù] tardi/,
    ),
  ),
  words(
    "connection",
    /connection (?:was )?(?:lost|closed|refused|reset|dropped)|lost connection|unreachable|could not connect|no route to host/i,
  ),
  words(
    "unknown_user",
    /(?:does(?: not|n't)|do not|did not) exist|\bnot found\b|\b(?:is|are|was|were) unknown|inconnue?\b|unbekannt|desconocid|sconosciut|no existe/i,
  ),
  words("policy", /\b(?:reject|refus)/i),
];

/** Family of a code, or a basic code, where neither operator, code nor words told more. */
export const LAST_RULES: readonly ReplyRule[] = [
  { enhanced: "2.1", basic: 550, category: "unknown_user", source: IANA },
  { enhanced: /^1\.[04]$/, category: "unknown_user", source: IANA },
  { enhanced: /^3\.[12]$/, category: "busy", source: IANA },
  { enhanced: "4.5", category: "busy", source: IANA },
  { enhanced: /^4\./, category: "connection", source: IANA },
  { enhanced: /^6\./, category: "content", source: IANA },
  { enhanced: /^7\./, category: "policy", source: IANA },
  { basic: 551, enhanced: /^[12]\./, category: "unknown_user", source: "RFC 5321" },
  { basic: 421, category: "busy", source: "RFC 5321" },
  { basic: 521, category: "dns", source: "RFC 7504" },
  { basic: 556, category: "dns", source: "RFC 7504" },
];

const ERRNO = "strerror of glibc, musl, the BSDs, macOS and Solaris";
const EXIM = "Exim's sources";

/** Errors of this server: no word of another. */
export const LOCAL_RULES: readonly ReplyRule[] = [
  words("mailbox_full", /\bdis[ck] quota exceeded|quota exceeded|mailbox is full|over quota/i, ERRNO),
  words(
    "timeout",
    /\b(?:connection|operation) timed out|\bSMTP timeout|\bLMTP timeout|timeout (?:after|while)|^timed? ?-?out|timer expired/i,
    ERRNO,
  ),
  words(
    "connection",
    anyOf(
      /connection (?:refused|reset by (?:peer|network)|reset|aborted)|software caused connection abort|no route to host/,
      /(?:network|host) (?:is )?(?:unreachable|down)|network dropped connection|network is not available|broken pipe/,
      /(?:socket|transport endpoint) (?:is )?(?:not connected|already connected)|machine is not on the network/,
      /cannot send after (?:socket|transport endpoint) shutdown|can't send after socket shutdown|communication error on send/,
      /closed connection|have been failing for a long time|lost connection|refused to talk/,
    ),
    ERRNO,
  ),
  words("local", /retry time not (?:yet )?reached|failed to expand|expansion of|tainted/i, EXIM),
  words(
    "dns",
    /lookup (?:did not complete|of .*(?:failed|deferred))|\bMX\b.*record|MX records point|points? to (?:the )?local host|host not found|no such domain|name serv|unknown host|host name lookup failure|domain .*not (?:exist|found)|all host address lookups|DNS/i,
    EXIM,
  ),
  words("tls", /\bTLS\b|\bSSL\b|certificate|gnutls|\bDANE\b/i, EXIM),
  words(
    "local",
    anyOf(
      /no space left|too many open files|no file descriptors|permission denied|operation not permitted|\bnot owner\b/,
      /read-?only file|no such (?:file|process|device)|not enough (?:space|memory)|out of memory|cannot allocate|can't allocate/,
      /not a directory|is a directory|file (?:too large|exists)|filename too long|file name too long|too many (?:levels of )?(?:symbolic )?links/,
      /i\/o error|input\/output error|device (?:busy|not configured)|no buffer space|out of streams resources|too many references/,
      /resource temporarily unavailable|resource deadlock|deadlock situation|text file busy|stale (?:nfs )?file|interrupted system call/,
      /can(?:no|')t assign requested address|address (?:already )?in use|address (?:family )?not (?:supported|available)/,
      /no (?:record )?locks available|no locks|bad file (?:number|descriptor)|arg(?:ument)? list too long|protocol not (?:supported|available)/,
      /temporary failure$/,
    ),
    ERRNO,
  ),
  words(
    "local",
    /transport|\bpipe\b|\bfile\b|directory|\block|\bcommand\b|disk|remote host address is the local host/i,
    EXIM,
  ),
  words(
    "unknown_user",
    /unrouteable address|unknown (?:user|local|recipient)|no such (?:user|mailbox)|user unknown|user not found|account (?:disabled|closed)/i,
    EXIM,
  ),
  words("authentication", /authenticat/i, EXIM),
  words("size", /message (?:is )?too (?:large|big|long)|size limit/i, EXIM),
  words("content", /malformed|virus|malware/i, EXIM),
  words("connection", /connect(?:ion)?\b/i, EXIM),
];
