--> os.exit
os.exit(1)
