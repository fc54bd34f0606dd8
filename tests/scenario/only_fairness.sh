# A thousand actors go on answering beside ten that never return; no time is checked.
set -eu
"$HOST" run "$SOURCE/tests/bench/fairness.lua" 20 60000
