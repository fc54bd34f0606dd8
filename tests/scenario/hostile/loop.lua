--> time limit
while true do end
