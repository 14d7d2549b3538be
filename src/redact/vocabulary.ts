/**
 * Words that name nobody: those of Exim, of SMTP replies and of this program's own sentences, in lower case. Any other word of a text is
 * hidden. `UPDATE_GOLDEN=1 npx vitest run test/redact/vocabulary.test.ts` adds the words of sentences that are new.
 */

/** In the order of the alphabet. */
const WORDS = `
aar abandon abandoned abgelehnt able abort aborted aborting about above absence absender absolute absurdly abuse
abusers abusive accent accept acceptable acceptance accepted accepting accepts accerr access accessing account
accounts acknowledgments acl acls action actions active actor ad add added adding addition additional addr
address addressee addresses addrpart adds admin administrative administrator admins adr adresse advance
advertise advertised advice aead aes afar affected afs after afterwards again against age agent ages ago agree
agreeing ahead ailed alabel alarm alarms alert alerts algorithm alias aliases align aligned alignment all alloc
allocate allocating allocation allow allowed alnum alone alpn already also alternate although always am among
amp ams an analysis ancelled and anew angle annotate annotation announced anomalies anomaly anon anonymous
another answer answered answers anti antivirus any anybody anything anytime anyway anywhere apart api apk
apostrophe app apparently appear appears append appendfile apple appliance applicable application applied
applies apply appref apr april arc archive archived archivee are aren arg args argument arguments argv aria
around array arrival arrivals arrive arrived arrives as ascending ascii ask asked asks asmtp assign assigning
assumed assuming asterisk at atime ation ational atom aton atrn attach attachment attachments attack attacks
attempt attempted attempting attempts attention attr attribute attributes audit audits aug august aup auth
authenti authenticat authenticate authenticated authentication authenticator authenticators author authori
authorization authorized authors authpriv auto autocheckpoint autocomplete automated automatic automatically
autoreply available average avoid awaited away axes axis back backend background backlog backscatter backslash
backslashes backtrace backtraces backup backups bad badrcptto badrecipientto band bann banned banner bar bare
barracuda base baseline bash basic basis bat batch batches batv bbb bcc bd bdat bdb bdf bdi be became because
becomes been before began begin beginning begins begun behaviour behind being bekannt believe believed belong
belonged belongs below benutzer berkeley beside best bestaat better between beyond big bigint bimi bin binary
bind bit bitmime bits black blackhole blackholed blacklist blacklisted blank blanks blob blobs bloccat block
blocked blocklist blocklisted blocklists blocks bloqu bloque bm body boite bom bool boolean boot border both
bottom bounce bounced bounces bound box bp bpa bpc bpr bpu brace bracket bracketed bracketing brackets break
breaks brief bring brings broke broken brotli browser brute bruteforce bs bsdinbox bsmtp bt bucket buckets buf
buffer buffers bug build built builtin bulk burl busy but button buz bv by bydomain bye byemail byhost bypassed
byte bytes bzip ca cab cache cached calc calendar call callback called caller calling callout callouts calls
came camellia can cancelled cannot canonicalization cantinit cantopen capability capitalize captcha caption
captured carries carrying case caseful casella cast cat category cation catn cause caused causes cbc cc ccm cdb
cdrbl ce center central ceph cert certainty certextract certificate certificates certs cgi chacha chain chains
change changed changes channel channels chapter char character characters chars charset chart charter charts
chat chdir check checked checking checkpoint checks child children chkuser chm chmod choice choices choose
chosen chown chunk chunking chunks cidr cipher ciphers cisco cite cited cjs claiming claims clamav clamd clamped
clarify class classified classifies clean cleaned cleanup clearly cli click client clients clock clocks close
closed closing cloudmark cluster cmd cmds cn cname cnt coalesce code codec codes col collapse collator collect
collecting colon colons color colour colspan column columns com come comes coming comm comma command commander
commandline commands commas comment comments commit common communicate communication comp compact compadd
companions company comparator compare compared compares comparing comparison compatibility compatible compdef
compgen compile compiled compiler compiling complaint complaints complete completed completes completion
completions compliance compliant component compose composite compreply compress compressed concerned conclusions
concurren concurrency concurrent condition conditional conditions config configuration configure configured
configuring confirm confirmation confirmed confirms conflict conn conndrop connect connected connecting
connection connections connexions const constraint constructed contact contain container containers contains
content contents context continue continued continues contrib contributors control controls conversion convert
converting copied copies copy copying copyright core correct correctly corrects correlated corrupt corruption
could couldn count counted counting counts courier courtesy cover coverage covered covers cpl cpu cram crash
crashed create created creates creating creation creator credentials cri criteria criterion critical crlf cron
crontab cross crt crypt csv ctime ctrl ctx ctype cuda cumulative cur curly current currently cursor curve
customer cut cutoffs cuts cutthrough cv cwd cword cycle cyrus daemon daily damage damaged dane dark dashboard
dashes dat data database databases datafile datagram date dates day days db dbe dbm dbstat dcc dccifd ddd dddd
de deactivated dead deadlock deb debian debug debugging dec december decide decided decides decimal declared
decode decoded decodes decoding decompressed deep deeply def default defaulting defaults defer deferral
deferrals deferred deferring defers defined defines definition del delay delayed delete deleted deliberate
delist deliver deliverable delivered deliveries delivering delivery delta demasiad denied deny depend deprecated
depth der deref dereference derive derived derives des desc descending desconocid desconocido describe described
describes description descriptor descriptors desktop destinataire destination destinations destroyed detach
detail details detect detected detection dev developer developers device dhe dhparams diagnose dial dialect
dialogue dialup dicha dictionary did didn die diff differ difference different differently differs diffie digest
digests digit digits dir direct direction directive directives directly directories directory dirname dis
disable disabled disables disabling disallowed disc discard discarded discards disconnect disconnection
disinfect disk display displayable dist distinct distrusts div divide dkim dlfunc dll dlopen dlsym dmarc dmg dn
dns dnsbl dnsbls dnsdb dnslist dnslists dnslookup dnssec do doc docker docm docs doctor doctype document
documentation docx does doesn dom domain domainkey domainname domains don done dot dotm double doublequote
doubles doubling dovecot down downconvert download downstream drain draws drill driver drop dropped drweb dry ds
dscp dsearch dsh dsn dt due dumb dump dumpdb dumps dup duplicate duplicates duplication duration durations
during dynamic dynamically eacces each eader eagain earlier early eccurve ecdh ecdhe ecdsa econnreset ed edit
edited editing edomain edquot eexist effect effective egid ehlo einval either element elements eloop else
elsewhere email embedded emetteur eml emoji emoved empf employed empty en enable enabled enabling encoded
encoding encountered encrypt encrypted encryption encrypts end ended endif ending endpoint ends enforcement
enhanced enoent enospc enosys enotdir enotify enotsup enough enrol enter entered entries entry env envelope
envelopes envid environment eof eop eopnotsupp eperm epipe epoch eq equal equals equiv err errmsg errno error
errors es esac escape escaped escaping ese esiste esmtp esmtpa esmtps esmtpsa esmtpsu esrch essayer et etc etrn
euid evaluation even event events eventually ever every everybody everyone everything everywhere evidence exact
exactly examined example examples exceed exceeded exceeding exceeds except excess excessive excessively exchange
exclude excluded excludes exclusive exe exec execute exigrep exim eximstats exipick exiqgrep exiqsumm exist
existe existence existent existing exists exit exits expand expanded expanding expansion expansions expected
expecting expire expired explain explained explains explanation explicit explicitly expn export expression
extended extension external extra extract extractor facility fact factor facts fail failed failing fails
failstring failure failures faint fake fakedefer fakens fakereject falls false family fans faq far fast fatal
fate fault fcntl fdecea fdopen feb february feedback feel fell fence fetch fetched few fewer ff ffdhe fff
fication field fields fifth figcaption figure figures fildesc file filecount fileinto filename filenames files
fill fills filter filtered filtering filters final find findings finds fine finish finished fired firewall
firewalls firmware first firsttime fish fit fits five fixed flag flags flex flight float flock floor fmt focus
folder folds follow followed following follows font for foranyaddress forbidden force forced forcedfail forces
forcing foreign foreignkey forensic forever forged forges forget forging fork form formaction format formatted
formed forms formula forward forwarded forwarder forwarding found four fourth fprt fraction fractions frame
framework fread free freelist freeze freezes freezing frequency frequent frequently fri friday from front
frontend froze frozen frx fsck fstat fstatting fsync full function functions further future gap gateway gateways
gave gb gbar gcc gcdp gcm gdbm ge geblokkeerd gefunden general generate generated generating generator generic
gesperrt get getdegid getdeuid getegid getifaddrs getrlimit gets getsockname getsockopt getting gib gid gif give
given gives giving glibc global glued gmt gnu gnutls go goes gone good goodbye goog google got grammar grand
greater greatest greeting grep grew greylist greylisted greylisting grid gro ground group groupadd grouped
grouping groupmod groups grow growing grows growth gsasl gsmtp gssapi gstring gt guarded guess guessed guesses
gzip hack hacked had half han hand handed handle handled handling hands handshake handshakes hang hangul happen
happened happens haracter hard hardfail hardly harmless has hash hashed hashes hashname hashtype hasn have haven
having hawed hdr he head header headers heading heads health heap hears heartbeats heat height heimdal held
hellman hello helo help here hers hex hhmm hidden hide high highest hint hints hiragana his history hitching hm
hmac hme hname hold holds hole holes home hop hops host hosting hostname hostnames hosts hour hourly hours hover
how however href hta html http https hub hubbed hung iana ice iconv id ident identification identified
identifier identity idn ids idx if ifdef iframe ifs ignorable ignore ignored ignorequota ignoring iif il illegal
ily image imap imapfolder img imitate immediate immutable implicit import importance imposed imprint improper
imsx imum in inactive inactivity inbound inbox inc incident incidents include included including incoming
incompatible incomplete inconnu inconnue incorrect incorrectly incremental indented index indexed indexes
indicated indirection inetd inf infected infinity info information ingest ingested inherit init initgroups
initial initialise initialised initialising initialize initiate inline inner inode inodes input insecure
insecurely insert inserting insertions inset inside install installed installing instance instant instead instr
insufficient int intact integer integers integrity intelligence intended interface interim internal interop
interpret interpreter interrupt interrupted interval into invalid invalide invalidly invert invisible invocation
invoice involves io ioerr ion ip ipbl ipc ipliteral iplsearch ips ipts ipv ironport is isn iso isolate isp issue
issues it item items iterate its itself jan jansonn january jar javascript jmrp job join joined joining journal
journalctl journald jpe jpeg jse json jsons judged judges jul july jump jun june junk just katakana kavdaemon kb
keep keepalive keeps kein kept kernel kev key keyed keygen keys keywords kib killed kind kinds kmg kmgt know
known knows kubelet kubernetes kyber la label labels lack lacks lag lang language large larger largest last
lasted lasts later latest latin launched lax lay ldap ldapauth ldapi ldaps le lead leads least leave leaves led
left legend legitimate length lengths less let letter letters levels lhlo lib libradius library life lifecycle
light like likely limit limite limited limits line linear linecount linelength lines link linked links linux lip
list listed listen listening listextract listing lists literal literals live llen lmdb lmtp lmtpa lmtps lnk load
loaded loading local localdomain localerror localhost localpart localpartsuffix localuser localusers locate
location locations lock locked locking locks log logfile logged logger logging login logins logs logwrite lone
long longer longest look looked looking looks lookup lookuphost lookups loop looping lost low lower lowest
lowuid lpn lsearch lseek lstat lt lzma machine macro macros made mail mailadmins mailbox mailboxes maildir
maildirfolder maildrop mailer mailfolder mailfrom mailgateway mailing mailq mails mailstore main mainlog
maintainers maintenance make makefile makes making malformed malicious malloc malware man mandatory manifest
manual manualroute many map maperr mar march margin mark markdown marked marking marks mask mass master match
matched matches matching matchtype materialized math matrix matter matters max maxarch maximum may maybe mb mbox
mbx mc me mean meaning means meant meanwhile measured mechanism mechanisms media median medium mem memalign
member members memo memory mend mended mends mention mentions merged mes message messages met meta metadata
method metrics mf mg mhdw mht mhtml mib micro microseconds microsoft mid middle might migrate migration
migrations milestone milestones millisec milliseconds mime mimecast min minmax minus minute minutes miscompare
mismatch mismatches misplaced missing mistake mistyped mittente mix mksd mlkem mmd mode modification modified
modifier module modules modulo moment mon monday monitor monospace monotonic month months more morning most
mostly move moved moves moving mrm ms mscf msec mset msg msgid msglog msi msp mst mt mta mtime mtrk mtwfs mua
much multi multiple musl must mute muted mutually mvb mvc mvh mvl mwinf mx mxgmx mxweb my myself mysql name
named names nanoseconds narrow native nav nd ndbm ndjson ne near nearest nearly need needed needs negation
negative negotiated negotiation neither nemesis nessun nested net netmask network networks neutral never new
newer newest newline newlines next nfrozen nfs nger nicht niet night nine nis nmh nnew no nobody node nodelay
noerror nofile nofollow nolfs nologin nomem non noncharacter none nonexist nonexistent nonfirst nonhandled
nonmail nonverify noop nor nordns normal nosuch not notadb notation note notes notfound nothing notice noticed
notification notifications notifier notify notquit nov november now nowhere nowl nowrap npm nproc nrt ns nsu
ntfy ntlm nul null number numbered numbers numeric numerical numerous nums nxdomain obey object obsolete occur
occurred occurs ocsp oct octet octets october odb odd odf odi odmr odq odqs ods odt oee oem of off offer offered
offers office offset ofr often oi ok old older oldest omitted on onbekend once one ones ongoing online only
onnection onward ooo opacity opc open opendir opened opening opens openssl operand operating operation operator
operators opposite opt option optional options or ora oracle orange orcpt order organi organization orig origin
original originator origins os other others ou ought our ours out outage outages outbox outcome outgoing outline
outlook output outside outstanding over overall overflow overflowed overlarge overload overloaded overlong
overquota overtaken overwritten own owned owner ownership owns pack package packed padding page pager pages
paint pair panel panels panic panics parallel param parameter parameters params paren parent parentheses
parenthesis parents parsable parse parsed parser parsing part parted partial partition partly parts party pas
pass passed passing passive passphrase passwd password passwords past paste patch patches path paths pattern
patterns pause payload pbl pcre pdf peak peer peerdn pem pending people per percent percentage perhaps period
periods perl perm permanent permanently permerror permissible permission permissions permit permitted perms
person personal persons pgsize pgsql phase phases phish php physical pick picture pid piece pieces piena pif
pilot pipe pipedata pipeheader pipelined pipelining pkcs pkey place placeholder places plain plan planning plans
please pleine plus pm png point pointer points policies policy poly pool poor port portal ports position
positions positive posix possible possibly post posted poster postfach postfix postings postmaster potential
pptm pptx pragma prdr precede preceded precedence precedes preceding precise predata prefers prefix pregreeting
premature prepare present presentation presented presents preserve prev prevents preview previous previously pri
primary primarykey prime print printable printed printf printing prints priority priv private privatekey
privilege privkey probably problem problems proc process processes processing processname procmail prod program
programs progress prohibited prohibition proofpoint prop properly prose protect protection proto protocol
protocols proves provider providers proxy prune pruned prunes prvs prx psk psl psm psql pss ptr pubkey public
publish published punct purge purging purported purpose put puts qf qmail qq qt qualified qualify queries query
queryprogram queue queued queueing queues quick quickly quiet quit quot quota quotaexceeded quotations quote
quoted quotes quoting race radius ran random range rank ranked ranking rankings rar rate ratelimit ratelimiting
rates raw rbl rbls rcpt rcpthosts rd rdns reach reachable reached read readable readconf reader readerror
readers reading readonly reads readsock readsocket ready real really realm realtime reason reasons rebuild
rebuilt receive received receiver receiving recent reception recipient recipients recognised recompilation
reconcile reconciliation reconfigure record recorded recorder records recover recovered recovery recreate rect
recursion recursive recv red redact redacted redactor redefine rediculous redirect redirected redirection redis
reduce reexec ref refer reference references referrals referrer refers refresh refus refusal refusals refuse
refused refuses refusing reg regex region registered registry regular reindex reject rejected rejecting
rejection rejections rejectlog rejects rejet rel related relaxed relay relayed relaying relays release released
relevant reliable relied reload rem remain remainder remaining remains remark remote removal remove removed
removes removing rename renamed renaming render renderings renew renewal reopen reparse repeat repeated
repeatedly repeats repetitions replace replaced replacement replicated replied replies reply report reported
reports reputation request requested requests require required requires requise reroute rescind resent reserve
reserved reset residential residue resolve resolved resolver resource resources resp respond responded response
responses responsibility responsible rest restart restarting restore restored restrict restricted restrictions
rests result results resumed resumption ret retcode retention retries retrieval retrieve retry return returned
returning returns reuseaddr reused reusing reverse revocation revoked rewrite rewrites rewriting rewritten rfc
rgb rhel rhythm ridiculously right rights rip risk rlim rlimit rly rmdir role rollback rolled rollups room root
rotate rotated rotation round rounded route routed router routine routines routing row rowid rows rozen rpm rr
rrggbb rsa rsae rset rspamc rspamd rss rst rsyslog rt rtf rua rule rules ruleset run runner running runs runtime
rxd sa safe safely said same sample samples sans sasl saslauthd sat satellite saturday save saved say says sbin
sbl sbo scale scan scanner scanners scanning scf schema schemas scheme sconosciut sconosciuto scope score scores
scr scram screen script scripts scroll scrypt se seal search searchable searched sec second seconds secp secret
section sections secure security see seed seek seeking seem seems seen sees segv sel select selected selecting
selector selectors selects self selfsign selfsigned semicolon send sender senderbase senders sending sendmail
sends sendto sense sensitive sent sentence sep separate separated separator september sequence sequences
serialized series serif serious serv server servers service services session sessions set setegid seteuid
setitimer setrlimit sets setsockopt setting settings settled setup several severities severity sfr sha shadow
shall shape share shared shares sharing she shell shift shm shop short shortage shortcut shorten shorter should
shouldn show showed showing shown shows shrank shrink shrinkage shtml shutdown shutting si side sides sieve sig
sighup sigint sigkill sign signal signature signatures signed signers significant signing signs sigsegv sigterm
sigverify silence silent simplify since single sinkhole site situation six size sizes sizing skip skipped
skipping skips slack slash slice slog slot slow slower slowly slows small smallest smarthost smb smode smooth
smtp smtps smtputf snapshot snapshots snds sni snprintf so sock socket socks soft softfail software solaris
solche solid some somebody something sometimes somewhere soon sorry sort sortable sorted sorting sorts sound
soundness source sources space spaces spam spamassassin spamc spamcop spamd spamhaus spammer spammers spamming
span spared spawn speaks spec specific specification specified specifies specify spectator spectrum
speichervolumen spell spelling spent spf split spoofing spool spooled spoolfile spreadsheets sql sqlite src
srcset srs srv srvtype ssf ssh ssl sslv ssmtp sss st stale stamp stamped stamps stand standard stands stapling
start started starting starts starttls startup stat state stated statement statements states static statistics
stats status statuses stay stayed stays stderr stdin stdout steady step steps sticks sticky still stolen stop
stopped stopping storage store stored storedrv stores storing strange stranger stray stream streams strength
strerror strict string stringprep strings stroke strong sts stuck style stylesheet su subcommand subcondition
subdirectories subject subjects submission submitted subprocess subroutine subscribe subscribed substr substring
succeed succeeded success successes successful such suddenly sudo sufficient suffix suggested suite sum summary
sums sun sunday superseded supplied support supported suppressed surely surplus surrounds suspected suspended
suspicion suspicious svg swith symbol symbolic sync synch synchroni synchronization synchronous synopsis
syntactically syntax sys syscall syslog system systemaliases systemctl systemd tab tabindex table tables tabs
tabular tag tags tail taille taint tainted take taken takes talk talos tar tard tarde tardi target tb tbl
tblblob tbody tcp tdb te telegram tell tells temp temperror tempfail template temporar temporarily temporary ten
tenant ter term terminal terminated terminating terminator test testing tests text texts tfo th than thank
thanks that thaw thawed the thead their theirs them themselves then there therefore these they things think
third this those though thread three threshold thresholds throttl throttled through thrown thu thursday tib
ticket tidying tier tiers tiles time timed timeline timeout timeouts timer timers times timestamp timezone
tinyglobby title tld tls tlsa tlsrpt tlsv tmp tmperror to tod today todo together token told toml tone too
toobig took tools top topbitchars topic topics toplevel tosa total totals tpt tptsender trace track traffic
transaction transactions transfer transform transient transit translate translating transmission transmit
transport transported transporting transports trap traps traversal treated treatment tree tried tries trigger
triggered trim trojan trop troppe trouble troubles true trunc truncate truncated truncating trust trusted try
trying tss tste tsv ttl tue tuesday tuple turn turnaround turned turning turns twenty twice two txt type typed
types tz tzdata ube ubuntu udp udpsend uid ulimit ument un unable uname unauthenticated unauthorized unavail
unavailable unbekannt unblock unbounded unchanged unclear undecided undef undefined undel undeliverable
undelivered under underflow underline underscore understood undisclosed undo undone unencrypted unescaped
unexpected unexpectedly unfinished unfortunately unfrozen ungetc unhandled unicode uninstall union unique unit
units university unix unknown unless unlink unmatched unmute unnecessary unpacked unpaired unparseable unparsed
unqualified unquoted unreachable unread unreadable unrecogni unrecognised unrecognized unredacted unreleased
unreliable unresolvable unrout unroutable unroute unrouteable unsafe unseen unset unsolicited unspecified
unsupported until untrusted unusable unused unusual unverif unverifiable unverified unwanted unwelcome up update
updated updates upgrade upper upstream upward uri url urlbl us usable usage use useable used useful user useradd
userforward usermod username users userunknown using usr ustar usual usually usuario utc utente utf utf8esmtp
utfesmtp utfesmtpa utfesmtps utfesmtpsa utflocal utilisateur utils vacation vacuum val valid validate validation
validrcptto value values vanished var variable variables variant vars vbe vbs vbscript vcard ver verb verbatim
verbose verdict verf verification verified verifier verify verifying version versions vertical veuillez vhd via
viele view viewer viewport views violation violations vip virtual virus viruses visible visit void voll volume
volumes votre vrfy wait waited waiting waitpid waits wal want wanted warn warning warnings was wasn watch
watched way we weak webhook webp wed wednesday week weeks weight welcome well wellknown went were weren what
whatever when whenever where wherever whether which whichever while white whitelist whitelisted who whoever
whole whom whose whoson why wide wider width wildcard will win window windows wireformat with withdrawn within
without withstands wizard won word wording words work worked worker working works worst would wouldn wrap
wrapped wrapper wrappers wrapping write writer writers writes writing written wrong wrote wsf wsh xargs xclient
xhtml xlam xlink xlsm xlsx xml xn xtext xts year years yes yesterday yet yield yielded you younger youngest your
yourself yyyy zero zerocount zip zone zsh zst zstd
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
