/**
 * What must happen in Redis at once, as Lua. Of what other programs have left under our keys, a wrong type
 * counts as nothing and is replaced. The keys of a tag's members are put together in the script, so this is for
 * one Redis (or one with replicas), not for a cluster.
 */

const textAt = `
local function text_at(key)
  local found = redis.pcall('GET', key)
  if type(found) == 'string' then return found end
  return nil
end`;

// A sorted set of keys by the time when they end, so that those that have ended can leave it.
const addTags = `
local function add_tags(first, member, ms)
  local now = redis.call('TIME')
  local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
  for index = first, #KEYS do
    local tag = KEYS[index]
    local kind = redis.call('TYPE', tag).ok
    if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', tag) end
    redis.call('ZREMRANGEBYSCORE', tag, '-inf', now_ms)
    redis.call('ZADD', tag, 'GT', now_ms + ms, member)
    if redis.call('PTTL', tag) < ms then redis.call('PEXPIRE', tag, ms) end
  end
end`;

/** KEYS value, lock, tags…; ARGV member, token, lock ms. */
export const beginScript = `${textAt}${addTags}
local found = text_at(KEYS[1])
if found then return {'found', found} end
if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('PTTL', KEYS[2]) >= 0 then return {'busy', ''} end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
add_tags(3, ARGV[1], tonumber(ARGV[3]))
return {'begun', ''}`;

/** KEYS value, lock, tags…; ARGV member, text, ttl ms. */
export const writeScript = `${addTags}
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
add_tags(3, ARGV[1], tonumber(ARGV[3]))
return 1`;

/** KEYS value, lock, tags…; ARGV member, text, ttl ms, token. */
export const finishScript = `${textAt}${addTags}
if text_at(KEYS[2]) ~= ARGV[4] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
add_tags(3, ARGV[1], tonumber(ARGV[3]))
return 1`;

/** KEYS key; ARGV text. Deletes the key if that is what it holds. */
export const deleteIfScript = `${textAt}
if text_at(KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** KEYS lock, tags…; ARGV token, lock ms, member. */
export const extendScript = `${textAt}${addTags}
if text_at(KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
add_tags(2, ARGV[3], tonumber(ARGV[2]))
return 1`;

/** KEYS tag; ARGV prefix of values, prefix of locks, how many at most. Returns how many are left. */
export const removeTaggedScript = `
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) return 0 end
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[3] - 1)) do
  redis.call('DEL', ARGV[1] .. member, ARGV[2] .. member)
  redis.call('ZREM', KEYS[1], member)
end
return redis.call('ZCARD', KEYS[1])`;
