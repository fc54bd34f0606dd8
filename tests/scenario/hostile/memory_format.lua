--> memory
string.pack("c1000000000000", "")
