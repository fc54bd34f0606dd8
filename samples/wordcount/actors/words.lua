-- words: what a word is, and how to count them. Version 1: runs of letters, as they are written.

local words = { version = "1" }

--- How often each word stands in a file.
function words.count(path)
  local counts = {}
  for line in assert(io.lines(path)) do
    for word in line:gmatch "%a+" do counts[word] = (counts[word] or 0) + 1 end
  end
  return counts
end

--- The paths of all plain files in a folder, links left out.
function words.files(folder)
  local found = {}
  local list = assert(io.popen(("find '%s' -maxdepth 1 -type f"):format(folder:gsub("'", "'\\''"))))
  for path in list:lines() do table.insert(found, path) end
  list:close()
  table.sort(found)
  return found
end

--- The n most frequent words as {word, count}, and how many words there are in all.
function words.top(counts, n)
  local list, total = {}, 0
  for word, count in pairs(counts) do
    total = total + count
    table.insert(list, { word, count })
  end
  table.sort(list, function(one, other)
    if one[2] ~= other[2] then return one[2] > other[2] end
    return one[1] < other[1]
  end)
  return table.move(list, 1, math.min(n, #list), 1, {}), total
end

return words
