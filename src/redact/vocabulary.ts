/**
 * Words that name nobody: those of Exim, of SMTP replies and of this program's own sentences, in lower case. Any other word of a text is
 * hidden. `UPDATE_GOLDEN=1 npx vitest run test/redact/vocabulary.test.ts` adds the words of sentences that are new.
 */

/** In the order of the alphabet. */
const WORDS = `
abandon abandoned abgelehnt able abort aborted about above absence absender absolute abuse abusers abusive
accent accept acceptable acceptance accepted accepting accerr access account accounts acl action actions active
actor ad add added additional addr address addressee addresses addrpart adds administrative administrator adr
adresse advance advice aead aes affected afs after afterwards again against age agent ages ago agree ahead ailed
alarms alert alias align aligned all allocate allocation allow allowed alone alpn already also although always
am among amp an ancelled and anew announced anon anonymous another answer answers anti any anything anytime
anyway anywhere apart apk apostrophe app apparently appears append appendfile apple application applied applies
apply appref apr april arc archive archived archivee are aren arg args argument arguments argv aria around array
arrival arrivals arrive arrived arrives as ask asked asks asmtp assign at ation ational atom atrn attach
attachment attachments attack attacks attempt attempted attempting attempts attention attr audit audits aug
august aup auth authenti authenticat authenticate authenticated authentication authenticator author authori
authorized authpriv auto autocheckpoint autocomplete automatic autoreply available average avoid awaited away
axes axis back backend background backlog backscatter backslash backslashes backtrace backtraces backup backups
bad badrcptto badrecipientto band bann banned banner bar bare barracuda base bash bat batch batches batv bcc
bdat be became because becomes been before began begin beginning begins begun behind being bekannt believe
belong belonged belongs below benutzer berkeley beside best bestaat better between beyond big bigint bimi bin
bind bit bitmime bits black blackhole blacklist blacklisted blank blanks blob blobs bloccat block blocked
blocklist blocklists blocks bloqu bloque body boite boolean boot border both bottom bounce bounced bounces bound
box bpa bpr bpu bracket bracketed brackets break brief bring brings broke broken brotli browser brute bruteforce
bsmtp bucket buckets buf buffer bug built burl busy but buz by bydomain bye byemail byhost bypassed byte bytes
bzip ca cab cache calendar call called callout callouts calls came camellia can cancelled cannot cantinit
cantopen capitalize captcha captured carries case caseful casella cast cat category cation cause caused causes
cbc cc ccm cdrbl ce central ceph cert certificate certs cgi chacha chain chains change changed changes channel
chapter char character characters chars charset chart charter charts check checked checking checkpoint checks
child children chkuser chm chmod choice choices choose chosen chown chunking chunks cipher ciphers cisco cite
cited cjs claims clamped clarify class classified classifies clean cleanup cli client clients clock clocks close
closed closing cloudmark cluster cmd cmds cn cname coalesce code codec codes col collapse collect colon colons
color colour column columns com come comes comm comma command commander commandline commands commas comments
commit communication comp compact compadd companions compare compared compares comparing comparison compdef
compgen compiled complaint complaints complete completed completes completion completions compliance compliant
compose composite compreply compress compressed concerned conclusions concurren concurrency concurrent condition
conditions config configuration configure configured confirm confirmation conflict connect connected connection
connections connexions const constraint contact contain container containers contains content contents continue
continues contrib control controls copied copies copy copying correct corrects corrupt could couldn count
counted counting counts courier cover coverage covered covers cpl cram crash crashed create created creates
credentials cri criteria criterion critical cron crontab cross csv ctrl ctx ctype cuda cumulative cur current
currently cursor curve customer cut cutoffs cuts cutthrough cv cwd cword cyrus daemon daily damage damaged dane
dark dashboard dashes dat data database databases date dates day days db dbe dbstat dcc ddd dddd de deactivated
dead deadlock deb debian debug dec december decide decides declared decode decoded decodes decompressed deep
default defer deferral deferrals deferred defined del delay delayed delete deleted deliberate delist deliver
deliverable delivered deliveries delivering delivery demasiad denied deny depend depth derive derived derives
des desc desconocid desconocido describe describes description descriptor descriptors desktop destinataire
destination destinations detach detail details detected dev device dhe diagnose dial dialect dialup dicha did
didn die diff differ different differently differs digest digests digit digits dir direction directive
directives directly directories directory dis disable disabled disallowed disc discard discarded disconnect
disconnection disk display dist distinct distrusts div dkim dll dlopen dmarc dmg dn dns dnsbl dnsbls dnslist
dnslookup dnssec do doc docker docm docs doctor doctype document docx does doesn dom domain domains don done dot
dotm double doubles doubling dovecot down download downstream drain draws drill driver drop dropped dry ds dsh
dsn dt due dumb dump dumpdb duplicate duplicates duplication duration durations during dynamic eacces each eader
eagain earlier early ecdh ecdhe ecdsa econnreset ed edit edited edomain edquot eexist effective ehlo einval
either element eloop else elsewhere email embedded emetteur eml emoji emoved empf employed empty en enable
enabled encoded encoding encountered encrypt encrypted encryption encrypts end ended endpoint ends enforcement
enhanced enoent enospc enosys enotdir enotsup enough enrol enter entered entries entry env envelope envelopes
envid environment eof eop eopnotsupp eperm epipe epoch eq equals equiv err errmsg errno error errors es esac
escape escaped escaping ese esiste esmtp esmtpa esmtps esmtpsa esmtpsu esrch essayer et etc etrn even event
events ever every everyone everything everywhere evidence exact exactly example examples exceed exceeded
exceeding exceeds except excess excessive exchange exclude excluded excludes exclusive exe exec exigrep exim
eximstats exipick exiqgrep exiqsumm exist existe existing exists exit exits expand expansion expected expire
expired explain explains explanation explicitly expn export expression extended external extra extract fact
facts fail failed failing fails failure failures faint fake fakedefer fakereject false family fans faq far fast
fate feb february feedback feel fell fetch fetched few fewer ff ffdhe fication field fields figcaption figure
figures file filename filenames files fill filter filtered filters final find findings finds fine finish
finished firewalls first firsttime fish fit fits five fixed flag flags flex flight floor focus folds follow
followed follows font for forbidden force forced foreign foreignkey forever forged forget form formaction format
forms formula forward forwarded forwarder forwarding found four fourth fraction fractions frame framework free
freelist freeze freezing frequency frequently fri friday from front frontend frozen frx fsck full function
functions further future gap gateway gave gb gbar gcdp gcm gdbm ge geblokkeerd gefunden generated generic
gesperrt get gets gib gid gif give given gives glibc global glued gmt gnutls go goes gone good goodbye goog
google got grammar grand greatest greeting grep grew greylist greylisted greylisting grid gro ground group
groupadd grouped grouping groupmod groups growing grows growth gsasl gsmtp gssapi gt gzip hacked had half han
hand handed handled handshake hang hangul happened happens hardfail harmless has hash hashes hasn have haven
having hawed he head header headers heading health heap heartbeats height held hello helo help here hers hex
hhmm hidden high highest hint hints hiragana his history hm hmac hme hold holds hole holes home hop hops host
hosting hostname hosts hour hourly hours how however href hta html http https hub hubbed iana ice id ident
identification identified identifier identity ids idx if iframe ifs ignorable ignore ignored ignoring iif il
illegal ily image img imitate immediate import importance imprint improper imsx imum in inactive inactivity
inbound inbox incident include included incoming incomplete inconnu inconnue incorrect incremental indented
index indexed indexes inetd inf infected info information ingest ingested inherit init initial inner input
insert inside install installed instance instant instead instr insufficient int intact integer integers
integrity intelligence intended interface interim internal interrupt interrupted into invalid invalide invert
invocation invoice io ioerr ion ip ipbl ipc ipliteral ips ipts ipv ironport is isn iso isp issue issues it item
items iterate its itself jan january jar javascript job join joined journal journalctl journald jpe jpeg jse
json jul july jun june junk just katakana kb keep keeps kein kept kernel key keygen keys keywords kib killed
kind kinds kmg kmgt know known knows kubernetes kyber la label labels lack lacks lag lang language large larger
largest last lasts later latest latin launched lay le lead leads least leave leaves led left legend length
lengths less let letter letters levels lhlo lib life lifecycle light like limit limite limited limits line
linecount linelength lines link linked links linux list listed listen listening listing lists literal live llen
lmtp lmtpa lmtps lnk load local localdomain localerror localhost localpart localpartsuffix location locations
lock locked locking locks log logged logger logging login logins logs logwrite lone long longer longest look
looked looking looks lookup lookuphost lookups loop looping lost low lower lowest lowuid lpn lt lzma machine
made mail mailadmins mailbox mailboxes maildir maildrop mailer mailfolder mailfrom mailgateway mailing mailq
mails main mainlog maintenance make makes making malformed malicious malware man manifest manual manualroute
many map maperr mar march margin mark markdown marked marks mass match matched matches matching materialized
math matter matters max maximum may maybe mb me mean meaning means meanwhile measured mechanism media medium
member members memory mend mends mention merged message messages met meta metadata metrics mhdw mht mhtml mib
micro microseconds microsoft mid middle might migrate migration migrations milestone milestones millisec
milliseconds mime mimecast min minmax minus minute minutes mismatches missing mistake mittente mix mlkem mode
modification module moment mon monday monospace monotonic month months more morning most mostly move moved moves
ms mscf msg msgid msglog msi msp mst mta mtrk mtwfs mua much multiple musl must mvb mvh mwinf mx mxgmx mxweb my
myself name named names narrow nav nd ndjson ne near nearest nearly need needed needs negative neither nemesis
nessun nested net network neutral never new newer newest newline newlines next nfrozen nfs nger nicht niet night
no nobody node nolfs nologin nomem non noncharacter none nonexistent nonmail noop nor nordns normal nosuch not
notadb notation note notes notfound nothing notice notify nov november now nowhere nowl nowrap npm nrt ns nsu
ntlm nul null number numbered numbers numeric numerous nums nxdomain object occur occurred occurs ocsp oct octet
octets october odd odmr ods odt of off offered office offset ofr often ok old older oldest on onbekend once one
ones online only onnection ooo opc open opened opening opens operation operator operators opposite option
optional options or ora order organi organization orig origin original originator origins os other others ou
ought our ours out outcome outgoing outline outlook output outside outstanding over overall overflow overflowed
overload overloaded overlong overquota overwritten own owned owner pack package packed padding page pager pages
paint pair panel panels panic panics param parameter parameters params parent parentheses parents parse parsed
parser part parted partial partition partly parts party pas pass passed passing passive passphrase passwd
password passwords past paste patch patches path paths pattern patterns pbl pdf peer peerdn pending people per
percent period periods perl perm permanent permanently permerror permission permissions permit permitted person
pgsize phase phases phish php pick picture pid piece pieces piena pif pilot pipe pipelined pipelining place
placeholder places plain plan planning plans please pleine plus pm png point pointer points policies policy poly
poor port portal ports position positions positive possible possibly poster postfach postfix postings postmaster
potential pptm pptx pragma prdr precede precedence precedes preceding precise prefers prefix pregreeting
premature prepare present presentation presents prev prevents preview previous pri primary primarykey prime
print printable printed printing prints priority private probably problem problems proc process processes
processname procmail prod program programs progress prohibited proofpoint protect protection protocol protocols
proves provider providers proxy prune pruned prunes prx psk psm psql pss ptr public publish purge purported
purpose put puts qf qmail qq qt qualify queries query queryprogram queue queued queueing queues quick quickly
quiet quit quot quota quotaexceeded quotations quote quoted quotes quoting ran random range rank ranked ranking
rankings rar rate ratelimit ratelimiting rates raw rbl rbls rcpt rcpthosts rd rdns reach reachable reached read
readable reader readers reading readonly reads ready real realtime reason reasons rebuild receive received
receiving recent reception recipient recipients recognised recompilation reconcile reconciliation record
recorded recorder records recover recovered recovery recreate rect recursive redact redacted redactor redirect
redirected redirection reduce ref refer reference references referrer refers refresh refus refusal refusals
refuse refused refuses refusing reg region registered registry regular reindex reject rejected rejecting
rejection rejections rejectlog rejects rejet rel related relay relayed relaying relays released reliable relied
reload rem remain remaining remote removal remove removed removes removing rename renamed render renderings
reparse repeat repeated repeats repetitions replace replaced replicated replies reply report reported reports
reputation request requested required requires requise rescind resent reserved reset residential residue resolve
resolved resolver resource resources respond response responses responsibility responsible rest restarting
restore restored restricted restrictions rests result results resumed resumption ret retention retries retry
return returned returning returns reverse revoked rewrite rewrites rewriting rewritten rfc rhel rhythm
ridiculously right rights rly role rollback rolled rollups room root rotate rotated rotation round rounded route
routed router routing row rowid rows rozen rpm rr rsa rsae rset rss rst rsyslog rt rtf rule rules run running
runs sa safe safely said same sample samples sans sat satellite saturday save saved say says sbin sbl sbo scale
scan scanner scanners scf schema schemas scheme sconosciut sconosciuto scope score scores scr scram screen
script scripts scroll se search searched sec second seconds secp secret section sections secure security see
seem seems seen segv sel select selector selectors selects self send sender senderbase senders sending sendmail
sends sense sensitive sent sentence sep separated separator september sequence sequences series serif serious
serv server servers service services session sessions set sets setting settings setup several severities
severity sfr sha shadow shall shape share shared shares sharing she shell shift shm shop short shortcut shorter
should shouldn show shown shows shrank shrink shrinkage shtml shutdown shutting si side sides sighup sigint
sigkill sign signal signature signatures signing sigsegv sigterm silence silent simplify since single site
situation size sizes sizing skip skipped slash slice slog slot slow slower slowly small smallest smarthost smb
smtp smtps smtputf snapshot snapshots snds sni so socket softfail software solaris solche solid some somebody
something sometimes somewhere sorry sort sorted sorting sound soundness source sources space spaces spam spamcop
spamhaus spammer spammers spamming span spared spawn speaks specification specified spectator spectrum
speichervolumen spell spelling spent spf split spoofing spool spooled spreadsheets sql sqlite src srcset srs srv
ssh ssl ssmtp sss st stale stamp stamped stamps stand standard stands start started starts starttls stat state
stated statement statements states static statistics stats status statuses stay stayed stays stderr stdin stdout
steady step steps sticks still stop stopped storage store stored storedrv stores storing stranger stray stream
streams strength strerror strict string strings strong sts stuck style stylesheet su subcommand subdirectories
subject subjects submission submitted subscribed succeeded success successes successful such suddenly sudo
sufficient suffix suggested suite sum summary sums sun sunday support supported suppressed surplus surrounds
suspended suspicious svg symbolic sync synchroni synchronization synchronous synopsis syntactically syntax sys
syscall syslog system systemctl systemd tab tabindex table tables tabular tag tags tail taille tainted take
taken takes talk tar tard tarde tardi target tb tbl tblblob tbody tcp tdb te tell tells temp temperror tempfail
template temporar temporarily temporary tenant ter term terminal terminated terminating test text texts tfo th
than thank thanks that thaw thawed the thead their theirs them themselves then there these they things think
third this those though thread three threshold throttl throttled through thrown thu thursday tib ticket time
timed timeline timeout timeouts timer timers times timestamp timezone tinyglobby title tls tlsa tlsrpt tmp to
today todo together token told toml tone too toobig took tools top topbitchars topic topics tosa total totals
trace track traffic transaction transfer transform transient transmission transport transporting transports
traps treatment tree tried tries trigger triggered trim trojan trop troppe trouble troubles true trunc truncate
truncated trusted try trying tss tste tsv tue tuesday tuple turn turned turns twenty twice two txt type typed tz
tzdata ube ubuntu uid ulimit ument un unable unauthenticated unauthorized unavail unavailable unbekannt unblock
unbounded unchanged undefined undel undeliverable undelivered under understood undo undone unencrypted unescaped
unexpected unexpectedly unfinished unfortunately unfrozen uninstall union unique unit units unix unknown unless
unlink unnecessary unpacked unpaired unparsed unqualified unquoted unreachable unread unreadable unrecogni
unrecognized unredacted unreleased unreliable unresolvable unrout unroutable unroute unrouteable unsolicited
unsupported until untrusted unused unusual unverif unverified unwanted up update updated updates upgrade upper
upstream uri url urlbl us usable usage use used user useradd userforward usermod users userunknown using usr
ustar usual usually usuario utc utente utf utf8esmtp utfesmtp utfesmtpa utfesmtps utfesmtpsa utflocal
utilisateur utils vacuum valid validate validation validrcptto value values vanished var variable variables
variant vars vbe vbs vbscript vcard ver verbatim verbose verdict verf verification verified verifier verify
version versions vertical veuillez vhd via viele view viewport views violation violations virus visible visit
void voll volume volumes votre vrfy wait waited waiting waits wal want wanted warn warning warnings was wasn
watch way we webp wed wednesday week weeks weight welcome wellknown went were weren what whatever when whenever
where whether which whichever while white whitelist whitelisted who whole whom whose why wide wider width will
win window windows wireformat with withdrawn within without wizard won word wording words work worked worker
works worst would wouldn wrap wrapper wrappers write writer writers writes writing written wrong wrote wsf wsh
xargs xclient xhtml xlam xlink xlsm xlsx xml xn xts year years yes yesterday yet yielded you younger youngest
your yourself yyyy zero zerocount zip zone zsh zst zstd
`;

let timeZones: ReadonlySet<string> | undefined;

/** True for an IANA name, `Europe/Berlin`. */
export function isTimeZone(text: string): boolean {
  timeZones ??= new Set(["UTC", ...Intl.supportedValuesOf("timeZone")]);
  return timeZones.has(text);
}

let vocabulary: ReadonlySet<string> | undefined;

/** True for a run of letters that stands in no need of hiding. */
function isKnownWord(letters: string): boolean {
  vocabulary ??= new Set(WORDS.trim().split(/\s+/));
  return vocabulary.has(letters.toLowerCase());
}

/** A size, a duration or a place in an order: `3d4h`, `64K`, `2nd`, `8bit`. */
const NUMBER_WITH_UNIT = /^d?(?:\d+(?:ms|us|ns|st|nd|rd|th|bit|[wdhmsKMGTBkbx]))+$|^\d{4}-\d\d-\d\dT\d\d$/;
/** A word and a number is how servers and accounts are called: `mx1`, `user7`. These are none. */
const WORD_WITH_NUMBER = /^\p{L}+\d+$/u;
const NUMBERED: ReadonlySet<string> = new Set(
  "ascii7 base64 bzip2 exim4 http1 http2 ipv4 ipv6 md5 oauth2 rfc822 rfc2047 rfc5321 rfc5322 srs0 srs1 sha1 sha2 sha224 sha256 sha384 sha512 tls1 tlsv1 utf8 utf16 win32 x25519 x509".split(
    " ",
  ),
);
/** Letters and digits by turns, as ids of other servers are made. */
const MIXED = /\d\p{L}+\d|\p{L}\d+\p{L}/u;
const LONGEST_PLAIN_CODE = 5;

/**
 * True when `word`, of letters, digits, hyphens and underscores, says nothing of anybody: all of its letters are words of the
 * vocabulary, or it is a number.
 */
export function isPublicWord(word: string): boolean {
  if (NUMBER_WITH_UNIT.test(word)) return true;
  if (WORD_WITH_NUMBER.test(word)) return NUMBERED.has(word.toLowerCase());
  const runs = word.match(/\p{L}+/gu) ?? [];
  if (!runs.every((letters) => letters.length === 1 || isKnownWord(letters))) return false;
  return word.length <= LONGEST_PLAIN_CODE || runs.some((letters) => letters.length > 2) || !MIXED.test(word);
}
