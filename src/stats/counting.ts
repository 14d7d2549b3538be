/** Rules by which figures are counted, and how eximstats differs; `exim-pilot help counting` prints them. */

export const COUNTING_RULES = {
  time: "From --since up to --until (a day given there is included, a time is not), on the clock of --timezone (the server's, unless given). A day is what that clock calls one, so it has 23 or 25 hours when the clock is changed.",
  messages:
    "Those that arrived (<=) in the time, bounces made here included, by what is known of them today: delivered + bounced + partial + discarded + removed + rejected + unknown + open = received. Open are received, queued, deferred and frozen. `servers` and `ingest` count each message that a line names, also one that was refused or arrived before the stored logs.",
  recipients: "Those of these messages, by their fate. A recipient that no line names is not counted.",
  volume: "Sizes of messages that arrived (S=); of deliveries, the size of the message once for each recipient.",
  attempts:
    "What was tried in the time, whenever the message arrived: a line => -> >> ** or ==. A retry time not reached is no attempt, a discard is none, a suppressed delivery (*>) is none.",
  hosts:
    "In providers, slow and --by mx, mx-ip and provider: attempts whose line names the host. Each line of a host that could not be reached (H=… Connection refused) is an attempt at that host too. Where a line about a recipient names that host within a minute, both are one.",
  bounces:
    "Recipients that bounced in the time, whenever their message arrived: by an attempt (**), or because their retry time was over (retry timeout exceeded), which counts under the reason of their last attempt.",
  rejections:
    "What was refused in the time: one for each line, in whichever logs it stands. Temporary when the line says so. A line about another host that refused us is no rejection.",
  panics:
    "Every entry of the panic log, whatever it says, and what Exim says in another log about trouble of its own: a panic, a configuration it cannot read, a daemon that gives up, a spool it cannot write to. An entry that stands in two logs counts once.",
  queue: "From arrival to Completed, of completed messages: QT= where the line has it.",
  waits:
    "The same by the time of arrival. What is still on the queue is not in it, so the newest times look shorter than they will be.",
  "hours of the week":
    "On the clock of --timezone: the mean of all such hours of the time, holes in what was read included; of less than a whole hour what came. A night has an hour twice, or lacks one, when the clock is changed.",
  delivery: "DT= of successful deliveries; without log_selector = +deliver_time nothing is known.",
  percentiles: "By nearest rank: each is a time that was measured.",
  top: "For clients: messages that arrived, and attempts and rejections of theirs. For destinations: recipients delivered, and attempts.",
  provider:
    "The registered domain of the host that was delivered to (public suffix list): mx1.mail.example.com is example.com.",
  coverage:
    "What was read of the time, by the logs' own heartbeats: whole, when no queue run that was due is missing; partial, when holes are known; none, when nothing was read; unknown, when the log has no rhythm that could tell. Then the longest time without a line is named, which may be a hole or a quiet night.",
  "accounts at risk":
    "By the thresholds of [incidents.hacked_account] in the configuration, as `help incidents` shows them. Where detection has come to the end of the log they are those that it has found, judged line by line. Else, and of a time that ends before the last line, they are judged by the hour.",
  filters:
    "Those of search choose the messages that search finds, of any time, and the rejections that it finds. Attempts are those of these messages; with --recipient, --router, --transport, --code and --reason those that match themselves. Panics and unparsed lines cannot be told by filters: a report with filters has no panics.",
} as const satisfies Record<string, string>;

export const EXIMSTATS_DIFFERENCES = {
  blackholes:
    "It counts => :blackhole:, discarded and /dev/null as deliveries, and those without T= as rejections too. Here they are discarded.",
  deliveries: "It does not count cutthrough deliveries (>>). Here they are deliveries.",
  "delayed, failed":
    "It counts messages whose <= stands before the first == or ** in what it reads, once each. Here attempts are counted, and recipients by their fate.",
  rejections:
    "It takes lines with the words rejected, refused or dropped: also those about hosts that refused us (Connection refused), whose addresses then stand among the rejected ones. What was rejected after DATA for a while it counts as permanent. It does not count recipients discarded by an ACL, nor, up to 4.98, failed logins.",
  reasons: "It cuts a reason at its first colon. Here reasons are classified, with the whole text of one line.",
  lines:
    "It finds ids and flags by their place in the line: lines that begin with Co… count as Completed, and up to 4.96 it cannot read ids of 23 characters. `stats --eximstats` counts as that of the newest Exim of the servers does, as far as their logs tell; else as 4.97 where it finds such an id, and as 4.96 where it does not.",
  hours: "It adds up the same hour of all days, on the clock of the log. Here each bucket is a time of its own.",
  queue:
    "It takes whole seconds between the stamps, or from the id where <= was not read. It knows no change of clocks, and adds a zone in the stamps to that of the machine it runs on.",
  relays: "It takes a remote delivery of what came from another host for relaying unless an alias is shown.",
  files:
    "It reads what it is given: a message of yesterday's file has no size and no arrival. Here all logs are one. `stats --eximstats` counts main logs, and what came through syslog from a server without any; with both it leaves syslog out, and says so.",
} as const satisfies Record<string, string>;
