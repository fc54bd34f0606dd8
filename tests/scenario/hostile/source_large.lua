--> the limit is 8388608
assert(load(function() return ("x = 1\n"):rep(200000) end))
