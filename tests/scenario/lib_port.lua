-- lib_port: a port that a story may leave and find free again: one that the kernel gives to nobody of
-- its own accord, as it does with those of connections, and that no other story has.
-- As a program it prints one.

local function read(file)
  local stream = io.open(file)
  local text = stream and stream:read "a" or ""
  if stream then stream:close() end
  return text
end

-- What sockets have: the local address is the first with a port in its line.
local function taken()
  local ports = {}
  for _, table_of in ipairs { "tcp", "tcp6", "udp", "udp6" } do
    for port in read("/proc/net/" .. table_of):gmatch "\n%s*%d+: %x+:(%x+)" do
      ports[tonumber(port, 16)] = true
    end
  end
  return ports
end

local first = 10000
local behind = tonumber(read "/proc/sys/net/ipv4/ip_local_port_range":match "%d+") or 0
-- Where the kernel gives away nearly all of them, one of its own is as good as there is.
if behind < first + 1000 then behind = 1 << 16 end
local pid = tonumber(read "/proc/self/stat":match "%d+")
local given = 0

--- A number. Who looks at the same time begins elsewhere: each process has four of its own to begin with.
local function another()
  local used = taken()
  for _ = first, behind do
    local port = first + (pid * 4 + given) % (behind - first)
    given = given + 1
    if not used[port] then return port end
  end
  error "no port is free"
end

if arg and arg[0]:find "lib_port%.lua$" then print(another()) end
return another
