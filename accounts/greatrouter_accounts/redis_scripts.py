"""The rules of `limits.py`, in Lua: what Redis runs for each that takes or gives (`redis_meters.py` says what a meter
is there)."""

import hashlib

# KEYS: the meters. ARGV: window, forgotten, the process, its lease in ms, the prefix of processes, a clock's seconds
# ("" is Redis's own); requests, tokens and places asked for; and for each meter its three limits ("" is none).
# Answers the limit that makes the caller wait longest (meter, kind, seconds; -1 is for ever) or 0, 0, 0; the second;
# and for each meter its requests, their newest second, its tokens and their newest second.
TAKE = """
local window, forgotten, owner, lease, owners = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now = math.floor(tonumber(ARGV[6]) or tonumber(redis.call('TIME')[1]))
local second = now
local asked = {tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])}
local meters = {}
for m, key in ipairs(KEYS) do
    local meter = {r = {}, t = {}, c = {}}
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
        local kind, name, amount = fields[i]:sub(1, 1), fields[i]:sub(2), tonumber(fields[i + 1])
        if kind == 'c' then
            meter.c[name] = amount
        elseif tonumber(name) > now + window then -- counted by a clock that was wrong
            redis.call('HDEL', key, fields[i])
        else
            meter[kind][tonumber(name)] = amount
            second = math.max(second, tonumber(name))
        end
    end
    meters[m] = meter
end
local refused, counts = {0, 0, 0}, {}
for m, key in ipairs(KEYS) do
    local meter, used, newest = meters[m], {0, 0, 0}, {0, 0}
    for k, kind in ipairs({'r', 't'}) do
        for taken, amount in pairs(meter[kind]) do
            if taken <= second - window then
                redis.call('HDEL', key, kind .. taken)
                meter[kind][taken] = nil
            else
                used[k] = used[k] + amount
                newest[k] = math.max(newest[k], taken)
            end
        end
    end
    for name, amount in pairs(meter.c) do
        if name ~= owner and redis.call('EXISTS', owners .. name) == 0 then
            redis.call('HDEL', key, 'c' .. name)
        else
            used[3] = used[3] + amount
        end
    end
    for k = 1, 3 do
        local limit = tonumber(ARGV[9 + 3 * (m - 1) + k])
        if limit and asked[k] > 0 and used[k] + asked[k] > limit then
            local wait = 1
            if k < 3 then
                wait = -1
                if asked[k] <= limit then
                    local seconds, left = {}, used[k]
                    local taken = k == 1 and meter.r or meter.t
                    for each in pairs(taken) do seconds[#seconds + 1] = each end
                    table.sort(seconds)
                    for _, each in ipairs(seconds) do
                        left = left - taken[each]
                        if left <= limit - asked[k] then
                            wait = each + window - second
                            break
                        end
                    end
                end
            end
            if refused[1] == 0 or (refused[3] >= 0 and (wait < 0 or wait > refused[3])) then
                refused = {m, k, wait}
            end
        end
    end
    counts[m] = {used[1], newest[1], used[2], newest[2]}
end
local answer = {refused[1], refused[2], refused[3], second}
for m, key in ipairs(KEYS) do
    local count = counts[m]
    if refused[1] == 0 then
        for k, kind in ipairs({'r', 't'}) do
            if asked[k] > 0 and tonumber(ARGV[9 + 3 * (m - 1) + k]) then
                redis.call('HINCRBY', key, kind .. second, asked[k])
                count[2 * k - 1], count[2 * k] = count[2 * k - 1] + asked[k], second
            end
        end
        if asked[3] > 0 and tonumber(ARGV[9 + 3 * (m - 1) + 3]) then
            redis.call('HINCRBY', key, 'c' .. owner, asked[3])
            redis.call('SET', owners .. owner, 1, 'PX', lease)
        end
        redis.call('EXPIRE', key, forgotten)
    end
    for i = 1, 4 do answer[#answer + 1] = count[i] end
end
return answer
"""

# KEYS: the meters. ARGV: the process, places, tokens, the second that they were taken in, window, a clock's seconds.
# What was short of an amount that counts no more counts from now.
GIVE = """
local now = math.floor(tonumber(ARGV[6]) or tonumber(redis.call('TIME')[1]))
local tokens, window = tonumber(ARGV[3]), tonumber(ARGV[5])
for _, key in ipairs(KEYS) do
    if tokens ~= 0 then
        local second, counted = now, {}
        for _, field in ipairs(redis.call('HKEYS', key)) do
            local at = field:sub(1, 1) ~= 'c' and tonumber(field:sub(2))
            if at then
                counted[field] = at
                if at <= now + window then second = math.max(second, at) end
            end
        end
        for field, at in pairs(counted) do
            if at > now + window or at <= second - window then
                redis.call('HDEL', key, field)
                counted[field] = nil
            end
        end
        if counted['t' .. ARGV[4]] then
            if redis.call('HINCRBY', key, 't' .. ARGV[4], tokens) < 0 then
                redis.call('HSET', key, 't' .. ARGV[4], 0)
            end
        elseif tokens > 0 then
            redis.call('HINCRBY', key, 't' .. second, tokens)
        end
    end
    if ARGV[2] ~= '0' and redis.call('HEXISTS', key, 'c' .. ARGV[1]) == 1 then
        if redis.call('HINCRBY', key, 'c' .. ARGV[1], -tonumber(ARGV[2])) <= 0 then
            redis.call('HDEL', key, 'c' .. ARGV[1])
        end
    end
end
"""

# By which Redis knows them.
TAKE_SHA, GIVE_SHA = (hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (TAKE, GIVE))
