%% works: the works W1 to W9 of this folder in Erlang, in its own fastest idiom: plain processes.
%%
%%   erl -noshell -pa FOLDER -run works main WORK [COUNT...]
%%
%% Prints the same lines as the Lua programs, WORK UNIT NUMBER; ends with 1 when what it counted does
%% not add up. For w9 the other node, `-run works wait`, is named by the variable FAR.
-module(works).
-export([main/1, wait/0, echo/0, counter/1, idle/0]).

main([Work | Counts]) ->
    try
        work(list_to_atom(Work), [list_to_integer(Count) || Count <- Counts]),
        halt(0)
    catch
        Kind:Why:Stack ->
            io:format(standard_error, "~s: ~p ~p ~p~n", [Work, Kind, Why, Stack]),
            halt(1)
    end.

%% The node that others come to; until its standard input ends.
wait() ->
    io:format("ready~n"),
    eof = io:get_line(""),
    halt(0).

now_ns() -> erlang:monotonic_time(nanosecond).

tell(Work, Unit, Number) -> io:format("~s ~s ~w~n", [Work, Unit, float(Number)]).

rate(Work, Unit, Count, Nanoseconds) -> tell(Work, Unit, Count * 1.0e9 / Nanoseconds).

%% The work in a process of its own, as actors of Lua are beside their program.
apart(Work) ->
    Self = self(),
    {_, Reference} = spawn_monitor(fun() -> Self ! {result, Work()} end),
    receive
        {'DOWN', Reference, process, _, normal} -> receive {result, Result} -> Result end;
        {'DOWN', Reference, process, _, Why} -> error(Why)
    end.

%% ---- W1 and W7 ----------------------------------------------------------------------------------

work(w1, [Count]) -> ping_pong("W1", Count);
work(w7, [Size, Count]) ->
    Label = integer_to_list(Size),
    case Size of
        0 -> ok;
        _ ->
            apart(fun() -> ping(spawn(fun ponger/0), 0, 1) end),
            Before = resident(),
            apart(fun() -> crowd(Size) end),
            tell("W7." ++ Label, "bytes/actor", (resident() - Before) / Size)
    end,
    ping_pong("W1." ++ Label, Count);

%% ---- W2 and W3 ----------------------------------------------------------------------------------

work(w2, [Count]) ->
    Time = apart(fun() -> stream(spawn(?MODULE, counter, [0]), Count) end),
    rate("W2", "messages/s", Count, Time);
work(w3, [Count, Size]) ->
    0 = Count rem Size,
    Time = apart(fun() -> ring(Count, Size) end),
    rate("W3", "hops/s", Count, Time);

%% ---- W4 -----------------------------------------------------------------------------------------

work(w4, [Count, Alive]) ->
    Time = apart(fun() ->
        Start = now_ns(),
        children(1, min(Alive, Count)),
        Sum = parent(min(Alive, Count), Count, Count, 0),
        Sum = Count * (Count + 1) div 2,
        now_ns() - Start
    end),
    rate("W4", "actors/s", Count, Time);

%% ---- W5 and W6 ----------------------------------------------------------------------------------

work(w5, [Count, Size]) ->
    Time = apart(fun() ->
        Self = self(),
        Counters = [spawn(fun() -> quota(Self, Count, 0) end) || _ <- lists:seq(1, Size)],
        Start = now_ns(),
        fan_out(1, Count, Counters),
        Total = lists:sum([receive {sum, Sum} -> Sum end || _ <- Counters]),
        Total = Size * Count * (Count + 1) div 2,
        now_ns() - Start
    end),
    rate("W5", "messages/s", Count * Size, Time);
work(w6, [Count, Size]) ->
    Time = apart(fun() -> pings(Count, Size) end),
    rate("W6", "messages/s", 2 * Size * Count, Time);

%% ---- W8 -----------------------------------------------------------------------------------------

work(w8, [Count]) ->
    Time = apart(fun() ->
        Echo = spawn(?MODULE, echo, []),
        Start = now_ns(),
        records(Echo, record(0), 1, Count, 0),
        now_ns() - Start
    end),
    rate("W8", "round-trips/s", Count, Time);
work(w8b, [Count, Size]) ->
    Text = binary:copy(<<"0123456789abcde\n">>, Size div 16),
    Time = apart(fun() ->
        Echo = spawn(?MODULE, echo, []),
        Start = now_ns(),
        texts(Echo, Text, Count),
        now_ns() - Start
    end),
    tell("W8b", "MB/s", 2 * Count * Size * 1.0e3 / Time);

%% ---- W9 -----------------------------------------------------------------------------------------

work(w9, [Trips, Count]) ->
    Far = list_to_atom(os:getenv("FAR")),
    true = net_kernel:connect_node(Far),
    {Time, Times} = apart(fun() ->
        Echo = spawn(Far, ?MODULE, echo, []),
        travel(Echo, 0, 10, []),
        Start = now_ns(),
        Measured = travel(Echo, 0, Trips, []),
        {now_ns() - Start, Measured}
    end),
    Trips = length(Times),
    Sorted = list_to_tuple(lists:sort(Times)),
    rate("W9", "round-trips/s", Trips, Time),
    tell("W9", "p50-us", element(max(1, ceil(Trips * 0.5)), Sorted) / 1000),
    tell("W9", "p99-us", element(max(1, ceil(Trips * 0.99)), Sorted) / 1000),
    Streamed = apart(fun() -> stream(spawn(Far, ?MODULE, counter, [0]), Count) end),
    rate("W9s", "messages/s", Count, Streamed).

%% ---- the processes -------------------------------------------------------------------------------

ping_pong(Label, Count) ->
    Time = apart(fun() ->
        Ponger = spawn(fun ponger/0),
        Start = now_ns(),
        Count = ping(Ponger, 0, Count),
        now_ns() - Start
    end),
    rate(Label, "messages/s", 2 * Count, Time).

ponger() ->
    receive {From, Number} -> From ! Number + 1, ponger() end.

ping(_, Count, Count) -> Count;
ping(Ponger, Number, Count) ->
    Ponger ! {self(), Number},
    receive Next -> ping(Ponger, Next, Count) end.

resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kilobytes]} = re:run(Status, "VmRSS:\\s*(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Kilobytes) * 1024.

idle() ->
    receive {From, Number} -> From ! Number, idle() end.

%% A thousand at a time, as in w7.lua.
crowd(Size) ->
    Sum = crowd(Size, 0),
    Sum = Size * (Size + 1) div 2.

crowd(0, Sum) -> Sum;
crowd(Left, Sum) ->
    Some = min(Left, 1000),
    [spawn(?MODULE, idle, []) ! {self(), Number} || Number <- lists:seq(Left - Some + 1, Left)],
    crowd(Left - Some, Sum + lists:sum([receive Number -> Number end || _ <- lists:seq(1, Some)])).

counter(Sum) ->
    receive
        Number when is_integer(Number) -> counter(Sum + Number);
        {get, From} -> From ! Sum
    end.

stream(Counter, Count) ->
    Start = now_ns(),
    send_up_to(Counter, 1, Count),
    Counter ! {get, self()},
    Sum = receive Number -> Number end,
    Sum = Count * (Count + 1) div 2,
    now_ns() - Start.

send_up_to(Counter, Count, Count) -> Counter ! Count;
send_up_to(Counter, Number, Count) -> Counter ! Number, send_up_to(Counter, Number + 1, Count).

ring(Count, Size) ->
    Self = self(),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> member(Next) end) end, Self,
                        lists:seq(2, Size)),
    Start = now_ns(),
    First ! Count - 1,
    lead(First),
    now_ns() - Start.

member(Next) ->
    receive Left -> Next ! Left - 1, member(Next) end.

lead(Next) ->
    receive
        0 -> ok;
        Left -> Next ! Left - 1, lead(Next)
    end.

children(First, Last) when First > Last -> ok;
children(First, Last) -> child(First), children(First + 1, Last).

child(Number) ->
    Child = spawn(fun() -> receive {From, Given} -> From ! Given end end),
    Child ! {self(), Number}.

parent(_, _, 0, Sum) -> Sum;
parent(Created, Count, Left, Sum) ->
    receive
        Number when Created < Count ->
            child(Created + 1),
            parent(Created + 1, Count, Left - 1, Sum + Number);
        Number ->
            parent(Created, Count, Left - 1, Sum + Number)
    end.

quota(Driver, 0, Sum) -> Driver ! {sum, Sum};
quota(Driver, Left, Sum) ->
    receive Number -> quota(Driver, Left - 1, Sum + Number) end.

fan_out(Number, Count, _) when Number > Count -> ok;
fan_out(Number, Count, Counters) ->
    [Counter ! Number || Counter <- Counters],
    fan_out(Number + 1, Count, Counters).

pings(Count, Size) ->
    Self = self(),
    Peers = [spawn(fun() -> peer(Self, Count) end) || _ <- lists:seq(1, Size)],
    [Peer ! {others, list_to_tuple(lists:delete(Peer, Peers))} || Peer <- Peers],
    [receive ready -> ok end || _ <- Peers],
    Start = now_ns(),
    [Peer ! go || Peer <- Peers],
    [receive done -> ok end || _ <- Peers],
    Time = now_ns() - Start,
    [Peer ! answered || Peer <- Peers],
    Total = lists:sum([receive {answered, Answered} -> Answered end || _ <- Peers]),
    Total = Size * Count,
    Time.

peer(Crowd, Count) ->
    receive
        {others, Others} ->
            Crowd ! ready,
            receive go -> ok end,
            peer(Crowd, Others, tuple_size(Others), Count, 0)
    end.

peer(Crowd, Others, Size, Count, Answered) ->
    case Count of
        0 -> Crowd ! done;
        _ -> element(rand:uniform(Size), Others) ! {self(), Count}
    end,
    pong(Crowd, Others, Size, Count, Answered).

pong(Crowd, Others, Size, Count, Answered) ->
    receive
        {From, Number} -> From ! Number, pong(Crowd, Others, Size, Count, Answered + 1);
        Count -> peer(Crowd, Others, Size, Count - 1, Answered);
        answered -> Crowd ! {answered, Answered}
    end.

echo() ->
    receive {From, Message} -> From ! Message, echo() end.

record(Id) ->
    Text = fun(Word, Number) -> iolist_to_binary([Word, integer_to_list(Number)]) end,
    Numbers = lists:seq(1, 10),
    #{id => Id, name => <<"a name of 24 characters.">>,
      tags => [Text("tag", Number) || Number <- Numbers],
      pos => #{x => 1.5, y => -2.25, z => 1.0e-3},
      attrs => maps:from_list([{Text("key", Number), Number * Number} || Number <- Numbers])}.

records(_, _, Id, Count, Sum) when Id > Count -> Sum = Count * (Count + 1) div 2;
records(Echo, Record, Id, Count, Sum) ->
    Sent = Record#{id := Id},
    Echo ! {self(), Sent},
    receive
        #{id := Got} = Back ->
            Id =:= Count andalso (Back = Sent),
            records(Echo, Record, Id + 1, Count, Sum + Got)
    end.

texts(_, _, 0) -> ok;
texts(Echo, Text, Left) ->
    Echo ! {self(), Text},
    receive Back when byte_size(Back) =:= byte_size(Text) -> texts(Echo, Text, Left - 1) end.

travel(_, Trips, Trips, Times) -> Times;
travel(Echo, Number, Trips, Times) ->
    Start = now_ns(),
    Echo ! {self(), Number},
    receive Number -> travel(Echo, Number + 1, Trips, [now_ns() - Start | Times]) end.
