--> indexes 400000 times in a row
a = {}
assert(load("return a" .. (".x"):rep(400000)))()
