# Run once the files are there: `install` or `upgrade`.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
database=/var/lib/exim-pilot/mail.db

if ! getent passwd exim-pilot >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/exim-pilot --no-create-home --shell /usr/sbin/nologin exim-pilot
fi
for directory in /var/lib/exim-pilot /etc/exim-pilot; do
  [ -d "$directory" ] || install -d -o exim-pilot -g exim-pilot -m 0700 "$directory"
done

# The group that may read the logs: adm on Debian, exim on RHEL, mailnull or mail with cPanel.
found=
for log in /var/log/exim4/mainlog /var/log/exim/main.log /var/log/exim/mainlog /var/log/exim_mainlog; do
  [ -f "$log" ] || continue
  found=$log
  for path in "$log" "$(dirname "$log")"; do
    # What everybody may do needs no group: to read a file (4), to enter a directory (1).
    [ -d "$path" ] && right='*[1357]' || right='*[4567]'
    case $(stat -c %a "$path") in $right) continue ;; esac
    group=$(stat -c %G "$path")
    [ "$group" = root ] || [ "$group" = UNKNOWN ] || usermod -a -G "$group" exim-pilot
  done
done
if [ -z "$found" ]; then
  echo "exim-pilot: no log of Exim was found; once there is one, run: exim-pilot setup"
elif ! runuser -u exim-pilot -- test -r "$found"; then
  echo "exim-pilot: the user exim-pilot may not read $found: give that right to a group of it."
fi

if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi

if [ -f "$database" ] && ! runuser -u exim-pilot -- exim-pilot migrate --status --db "$database" >/dev/null 2>&1; then
  # A verified backup comes first, and each step is whole or undone.
  runuser -u exim-pilot -- exim-pilot migrate --db "$database" ||
    echo "exim-pilot: the database is not up to date; run: runuser -u exim-pilot -- exim-pilot migrate"
fi

if [ "$action" = install ]; then
  echo "exim-pilot: to read the logs by the clock, run: exim-pilot setup"
fi
