--> sethook
debug.sethook()
