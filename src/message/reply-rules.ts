/** Replies of other servers and errors of this one, as data: whose reply it is, what each code and phrase means, and why we think so. */

export const FAILURE_CATEGORIES = {
  unknown_user: "The other side knows no such recipient, or the account is closed. Remove or correct the address.",
  mailbox_full: "The recipient's mailbox is over its quota. Only the recipient can make room.",
  greylisting: "The other side asks to come back later, as it does with everyone at first. Wait: Exim tries again.",
  rate_limit: "Too much mail or too many connections from here at one time. Send more slowly, with fewer connections.",
  busy: "The other side is overloaded or fails for now. Wait; write to its postmaster when it lasts for days.",
  reputation:
    "The other side distrusts this server's address: a block list, or its own memory. Find the abuse, then ask to be removed from the list.",
  policy:
    "The other side does not want the message: spam, relaying, SPF, DKIM, DMARC, its own rules. Read the reply and check the sender's DNS.",
  content: "The message itself: malware, a forbidden attachment, a malformed header. Mend what writes it.",
  size: "The message is too large for the other side. Send a link instead.",
  tls: "No encrypted connection could be made, or its certificate was refused. Compare the TLS settings of both sides.",
  authentication: "A login at the other side failed. Check the user name and the password of the transport.",
  dns: "The domain or the host could not be looked up, or leads nowhere. Check the domain's spelling and its MX records.",
  connection: "The host could not be reached, or the connection broke. Check the network, the port and firewalls.",
  timeout: "The host did not answer in time. Try the host by hand; look at the network and at its load.",
  local: "This server: a file, a pipe, a lock, a configuration. Read the panic log and the transport's options.",
  other: "None of these words fits. Read the reply.",
} as const satisfies Record<string, string>;

export type FailureCategory = keyof typeof FAILURE_CATEGORIES;

/** Operators whose codes have a meaning of their own, each with what to do when they refuse mail. */
export const OPERATORS = {
  apple: "Apple (iCloud): write to icloudadmin@apple.com with the code in brackets.",
  barracuda: "Barracuda: look the address up in Barracuda Central, and ask there to be removed.",
  cisco: "Cisco (IronPort): look the address up in Talos, which decides its reputation.",
  gmx: "GMX, web.de, Ionos: look the case up whose letter the reply names on the postmaster pages.",
  google: "Gmail: sign with DKIM, publish SPF and DMARC, and look at Postmaster Tools.",
  microsoft: "Microsoft 365, Outlook.com: ask for removal in the delist portal; enrol in SNDS and JMRP.",
  mimecast: "Mimecast: ask the recipient's administrator to permit the sender; a first 451 is its greylisting.",
  proofpoint: "Proofpoint: look the address up in its block list, and ask there to be removed.",
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
      /\((?:AS\d{3,}|S\d{3,4})\)|\b(?:RESOLVER|STOREDRV|ROUTING)\.[A-Z]|\[LastAttemptedServer|\b(?:eop|prod)-?[\w-]*\.(?:prod\.)?protection\.outlook\.com|\b[SBO][A-Z]-00\d\b|\b[45]\.7\.[5-9]\d\d\b/,
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
    signature: /\btosa@|IP=[\da-f.:]+ - /,
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
    signature: /permanent failure for one or more recipients|\bbarracuda\b/i,
  },
  { operator: "spectrum", hosts: ["charter.net", "spectrum.net"], signature: /\bAUP#(?:In|Out)-\d{4}\b/ },
  { operator: "cisco", hosts: ["iphmx.com"], signature: /sending MTA's poor reputation|\bironport\b/i },
];

export interface ReplyRule {
  /** Only of replies of this operator; left out: of any. */
  readonly operator?: Operator;
  /** Only with this detail of the enhanced code: `7.26`, or a form of it. */
  readonly enhanced?: string | RegExp;
  readonly basic?: number;
  /** In the words of the reply, without names and addresses. */
  readonly words?: RegExp;
  readonly category: FailureCategory;
  readonly source: string;
}

const GMAIL = "Gmail SMTP errors and codes";
const M365 = "Exchange Online non-delivery reports";
const YAHOO = "Yahoo Sender Hub, SMTP error codes";
const APPLE = "iCloud Mail, postmaster information";
const GMX = "GMX and web.de postmaster pages";
const TELEKOM = "Telekom postmaster, FAQ";
const MIMECAST = "Mimecast SMTP error codes";

/** The first that fits decides. */
export const OPERATOR_RULES: readonly ReplyRule[] = [
  { operator: "google", enhanced: "7.28", category: "rate_limit", source: GMAIL },
  { operator: "google", enhanced: /^7\.(?:2[5-79]|3\d|40)$/, category: "policy", source: GMAIL },
  { operator: "google", enhanced: "5.3", category: "rate_limit", source: GMAIL },
  { operator: "google", enhanced: /^7\./, words: /content presents a potential/i, category: "content", source: GMAIL },
  {
    operator: "google",
    words: /\bRFC 5322\b|multiple .{0,20}(?:addresses in From|headers)/i,
    category: "content",
    source: GMAIL,
  },
  { operator: "google", words: /over quota|out of storage/i, category: "mailbox_full", source: GMAIL },
  { operator: "google", words: /not authorized to send email directly/i, category: "policy", source: GMAIL },
  { operator: "google", words: /unauthenticated/i, category: "policy", source: GMAIL },
  { enhanced: "1.10", words: /RecipientNotFound|recipient\b.*not found/i, category: "unknown_user", source: M365 },
  { enhanced: "4.1", words: /recipient address rejected: access denied/i, category: "unknown_user", source: M365 },
  { operator: "microsoft", enhanced: "4.1", category: "unknown_user", source: M365 },
  { enhanced: /^1\.(?:351|11|13|14|15|16)$/, category: "unknown_user", source: M365 },
  { enhanced: /^(?:1\.90|2\.12[12]|7\.70[15]|7\.233|7\.232)$/, category: "rate_limit", source: M365 },
  { enhanced: /^7\.(?:511|50[1-4]|6\d\d|70[68])$/, category: "reputation", source: M365 },
  { enhanced: /^7\.(?:1[1-3]\d|193|50[5-9]|51[05]|520|750)$/, category: "policy", source: M365 },
  { enhanced: /^7\.51[2-4]$/, category: "content", source: M365 },
  { enhanced: /^4\.3(?:0\d|99)$/, category: "timeout", source: M365 },
  { enhanced: /^4\.31[0-2]$/, category: "dns", source: M365 },
  { enhanced: /^4\.31[56]$/, category: "connection", source: M365 },
  { enhanced: /^(?:4\.317|4\.318|7\.32[0-9])$/, category: "tls", source: M365 },
  { operator: "microsoft", words: /quotaexceeded/i, category: "mailbox_full", source: M365 },
  {
    operator: "microsoft",
    words: /part of their network is on our block ?list/i,
    category: "reputation",
    source: M365,
  },
  { operator: "microsoft", words: /for policy reasons/i, category: "policy", source: M365 },
  {
    operator: "yahoo",
    words: /\[(?:TSS?\d\d|BL\d\d|IPTS\d\d)\].*(?:permanently deferred|spamhaus|not be accepted)/i,
    category: "reputation",
    source: YAHOO,
  },
  { operator: "yahoo", words: /\[(?:TSS?0[45]|GL01|IPTS04)\]/i, category: "rate_limit", source: YAHOO },
  { operator: "yahoo", words: /\[(?:TSS?\d\d|BL\d\d)\]/i, category: "reputation", source: YAHOO },
  {
    operator: "yahoo",
    words: /doesn't have a|mailbox is disabled|\b554\.30\b/i,
    category: "unknown_user",
    source: YAHOO,
  },
  { operator: "yahoo", enhanced: "7.9", category: "policy", source: YAHOO },
  { operator: "yahoo", words: /\[PH\d\d\]|policy reasons/i, category: "policy", source: YAHOO },
  { operator: "apple", words: /\[HM08\]|\[CS01\]|local policy|DMARC/i, category: "policy", source: APPLE },
  { operator: "gmx", words: /block ?listed|IP address is/i, category: "reputation", source: GMX },
  { operator: "gmx", words: /bad dns ptr|invalid dns|policy restrictions/i, category: "policy", source: GMX },
  { operator: "t_online", words: /\((?:NOWL|NORDNS|DNS|HELO)\)/, category: "policy", source: TELEKOM },
  { operator: "t_online", words: /\(BL\)/, category: "reputation", source: TELEKOM },
  {
    operator: "mimecast",
    basic: 451,
    words: /internal resources are temporarily unavailable/i,
    category: "greylisting",
    source: MIMECAST,
  },
  { operator: "mimecast", words: /\breputation\b/i, category: "reputation", source: MIMECAST },
  { words: /due to security policies/i, category: "content", source: MIMECAST },
  { operator: "mimecast", words: /virus signature/i, category: "content", source: MIMECAST },
  { operator: "mimecast", words: /anti-?spoofing|local policy/i, category: "policy", source: MIMECAST },
  { operator: "spectrum", words: /\bAUP#In-1310\b/, category: "rate_limit", source: "Spectrum e-mail error codes" },
  { operator: "proofpoint", words: /^\W*blocked - see/i, category: "reputation", source: "Proofpoint block list page" },
];

const IANA = "IANA registry of RFC 5248";

/** A code that names one thing. */
export const CODE_RULES: readonly ReplyRule[] = [
  { enhanced: /^1\.(?:1|3|6)$/, category: "unknown_user", source: IANA },
  { enhanced: /^1\.(?:2|10)$/, category: "dns", source: IANA },
  { enhanced: /^1\.[789]$/, category: "policy", source: IANA },
  { enhanced: "2.2", category: "mailbox_full", source: IANA },
  { enhanced: /^(?:2\.3|3\.4)$/, category: "size", source: IANA },
  { enhanced: /^4\.[34]$/, category: "dns", source: IANA },
  { enhanced: "4.6", category: "other", source: IANA },
  { enhanced: "4.14", category: "other", source: M365 },
  { enhanced: "4.7", category: "timeout", source: IANA },
  { enhanced: "5.3", category: "rate_limit", source: IANA },
  { enhanced: /^7\.(?:4|5|10)$/, category: "tls", source: IANA },
  { enhanced: /^7\.(?:8|13)$/, category: "authentication", source: IANA },
  { enhanced: /^7\.(?:2[0-7]|29|30)$/, category: "policy", source: IANA },
  { enhanced: "7.28", category: "rate_limit", source: IANA },
  { basic: 535, category: "authentication", source: "RFC 4954" },
];

const PRACTICE = "wording of Exim, Postfix, Sendmail, qmail, Exchange and their filters";

function words(category: FailureCategory, pattern: RegExp, source = PRACTICE): ReplyRule {
  return { category, words: pattern, source };
}

/** What the words of a reply say: the more specific first. */
export const WORD_RULES: readonly ReplyRule[] = [
  words(
    "greylisting",
    /gr[ea]y-?list|policy rejection\W+please try later|deferred for \d+ seconds as .*first|first (?:time|attempt).*(?:later|again)/i,
  ),
  words(
    "policy",
    /unauthenticated|\bSPF\b|sender policy framework|\bDKIM\b|\bDMARC\b|domain-?keys|purported\s+responsible/i,
  ),
  words("content", /virus|malware|phish|infected|malicious|trojan/i),
  words(
    "unknown_user",
    /user does(?: not|n't) exist|\bno such user|(?:^|\W)user (?:unknown|not found|not exist)|unknown user/i,
  ),
  words(
    "policy",
    /\bPTR\b|reverse (?:dns|hostname|lookup)|\brdns\b|find your (?:reverse )?hostname|ip name lookup failed|unverif[iy]+able sending|invalid dns|\bhelo\b|\behlo\b/i,
  ),
  words("rate_limit", /frequency limited/i),
  words(
    "reputation",
    /\/query\/(?:bl|ip|sbl|xbl|pbl)\b|\/bl\.shtml|black ?-?(?:list|hole)|block ?-?list|deny ?list|\bdns[bw]l\b|\brbl\b|\blisted (?:at|in|by|on)\b|\b(?:blocked|rejected) (?:using|by|due to) (?:\*|list)|spamhaus|spamcop|senderbase|reputation|bann?ed sending|banned sender|(?:client host|ip(?: address)?|connection|adresse ip)\b.*(?:blocked|bloqu\w+|gesperrt)|blocked for (?:spam|abuse)|user complaints/i,
  ),
  words(
    "rate_limit",
    /rate[ -]?limit|frequency limited|too many (?:connections|messages|recipients|sessions|errors|concurrent|e?-?mails?\b|invalid|unknown)|too much mail|throttl|exceed\w* .*(?:\brate|connections|per (?:hour|minute|day)|frequency)|concurrent connections|connections? .*exceeded|too (?:quickly|fast|frequently)|sending too|unexpected volume|unusual rate|sending limit|daily (?:limit|quota)|hourly|zu viele/i,
  ),
  words(
    "mailbox_full",
    /\b(?:over|exceed\w*|disk|disc|mailbox|storage)[- ]?(?: ?the)? ?quota|quota (?:is )?(?:exceeded|full|reached)|over-?quota|(?:mailbox|mail ?box|inbox|boite|postfach|casella|buz[oó]n)\b.{0,30}(?:\bfull|pleine|voll|piena|llen[ao]|over)|exceeded storage allocation|storage (?:space|limit)|speichervolumen|out of storage|blocks limit|quota/i,
  ),
  words("content", /headers? too/i),
  words(
    "size",
    /too (?:large|big|long)\b(?!.*header)|size (?:exceeds|limit)|message size|message length exceeds|exceeds .*size|maximum .*size|zu gro(?:ss|ß)/i,
  ),
  words(
    "content",
    /header (?:error|is|missing)|headers too|malformed|attachment|message content|content rejected|bare (?:LF|CR)|lone (?:CR|LF)|\bRFC ?5?[28]?[28]22\b|not RFC|missing (?:from|date|message-id)|multiple .*header|8bit|\bMIME\b/i,
  ),
  words("tls", /STARTTLS|\bTLS\b|\bSSL\b|certificate|handshake|\bDANE\b|encryption (?:required|needed)/i),
  words("policy", /message content rejected|spam|relay|smtp server of your isp/i),
  words(
    "policy",
    /sender (?:address )?(?:rejected|denied|refused|verify|not)|domain of sender|rejected for policy|invalid sender|sender domain/i,
  ),
  words(
    "dns",
    /domain (?:not found|does(?: not|n't) exist|is not reachable|name not found|unknown)|no such (?:host|domain)|unknown (?:host|domain)|(?:host|domain) unknown|invalid domain|host not found|name serv(?:er|ice)|\bDNS\b|\bNXDOMAIN\b|null ?MX|does not accept mail/i,
  ),
  words(
    "unknown_user",
    /unknown (?:or illegal )?(?:user|recipient|address|local|mailbox|account)|(?:user|recipient|address|mailbox|account|addressee)\b.{0,40}\b(?:unknown|unavailable|not found|does(?: not|n't) exist|not exist|disabled|closed|inactive|suspended|locked|frozen|blocked|deactivated|expired|no longer|not known|invalid|not valid|inconnue?|unbekannt|desconocid\w|sconosciut\w|onbekend|no existe|n'existe pas|nicht bekannt|nicht gefunden)|(?:no|not a?) ?(?:such|valid|known) (?:user|recipient|mailbox|person|address|account)|no (?:mailbox|account|user|recipient)s? (?:here|by|with|named|found)|not our (?:user|customer)|unrouteable address|invalid (?:recipient|mailbox|address|user)|(?:disabled|inactive|deactivated) (?:recipient|mailbox|user|account)|(?:destinataire|adresse) (?:inconnue?|invalide)|empf[aä]nger unbekannt|benutzer (?:nicht|unbekannt)|recipient.*no longer on|does(?: not|n't) have an? .*account|mailbox not|utente sconosciuto|usuario desconocido|kein (?:solche\w )?(?:postfach|benutzer)|hasn't .*account|no longer (?:employed|works|valid|here)/i,
  ),
  words(
    "authentication",
    /authentication (?:required|failed|is required|credentials)|auth\w* ?required|not authenticated|\bAUTH\b|login/i,
  ),
  words("other", /hop count|mail loop|too many hops|routing loop/i),
  words(
    "policy",
    /spam|\bUBE\b|unsolicited|junk|relay|policy|policies|prohibited|administrative|blocked|banned|filtered|not (?:allowed|permitted|authori[sz]ed|verified|accepted|wanted|welcome)|forbidden|access (?:denied|rejected)|denied|abgelehnt|mail rejet|rejected by|restricted|content reject/i,
  ),
  words("timeout", /time(?:d)? ?-?out|message expired/i),
  words(
    "busy",
    /service (?:is )?(?:currently |temporarily )?(?:not available|unavailable|refus)|temporar(?:y|ily)|(?:try|retry|come back)\b.{0,20}\blater|later\b.*\btry|overload|\bbusy\b|load (?:average|is)|insufficient (?:system |disk )?(?:storage|resources|space)|out of (?:memory|disk)|internal (?:system |server )?error|system error|server (?:error|configuration)|queue file|local (?:error|problem)|could not (?:load|complete)|closing (?:transmission|connection)|resources|lookup fail|maintenance|shutting down|plus tard|sp[aä]ter/i,
  ),
  words("connection", /connection (?:lost|closed|refused|reset|dropped)|lost connection|unreachable/i),
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
  { basic: 551, category: "unknown_user", source: "RFC 5321" },
  { basic: 421, category: "busy", source: "RFC 5321" },
  { basic: 521, category: "dns", source: "RFC 7504" },
  { basic: 556, category: "dns", source: "RFC 7504" },
];

const ERRNO = "strerror of Linux, the BSDs, macOS and Solaris";
const EXIM = "Exim's sources";

/** Errors of this server: no word of another. */
export const LOCAL_RULES: readonly ReplyRule[] = [
  words("mailbox_full", /dis[ck] quota exceeded|quota exceeded|mailbox is full|over quota/i, ERRNO),
  words(
    "timeout",
    /\b(?:connection|operation) timed out|\bSMTP timeout|\bLMTP timeout|timeout (?:after|while)|^timed? ?-?out/i,
    ERRNO,
  ),
  words(
    "connection",
    /connection (?:refused|reset by peer|reset|aborted)|software caused connection abort|no route to host|(?:network|host) is (?:unreachable|down)|network dropped connection|broken pipe|(?:socket|transport endpoint) is not connected|machine is not on the network|closed connection|have been failing for a long time|lost connection|refused to talk/i,
    ERRNO,
  ),
  words("local", /retry time not (?:yet )?reached|failed to expand|expansion of|tainted/i, EXIM),
  words(
    "dns",
    /lookup (?:did not complete|of .*(?:failed|deferred))|\bMX\b.*record|MX records point|points? to (?:the )?local host|host not found|no such domain|name serv|unknown host|domain .*not (?:exist|found)|all host address lookups|DNS/i,
    EXIM,
  ),
  words("tls", /\bTLS\b|\bSSL\b|certificate|gnutls|\bDANE\b/i, EXIM),
  words(
    "local",
    /no space left|too many open files|permission denied|operation not permitted|read-?only file|no such (?:file|process)|not enough space|cannot allocate|can't allocate|not a directory|is a directory|file (?:too large|exists)|i\/o error|input\/output error|no buffer space|resource temporarily unavailable|resource deadlock|text file busy|stale (?:nfs )?file|can(?:no|')t assign requested address|address (?:already in use|family not supported)|no locks available|bad file (?:number|descriptor)|temporary failure$/i,
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
  words("size", /message (?:is )?too (?:large|big)|size limit/i, EXIM),
  words("content", /malformed|virus|malware/i, EXIM),
  words("connection", /connect(?:ion)?\b/i, EXIM),
];
