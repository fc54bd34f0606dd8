--> time limit | too complex
;("a"):rep(1000000):gsub("a*b", "")
