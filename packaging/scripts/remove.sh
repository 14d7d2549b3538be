# Run before the files go, unless they are replaced.
if [ -d /run/systemd/system ]; then
  for name in ingest prune backup report snapshot notify; do
    systemctl disable --now "exim-pilot-$name.timer" >/dev/null 2>&1 || true
  done
fi
