--> memory
io.open("/dev/zero", "rb"):read("a")
