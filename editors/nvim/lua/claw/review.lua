--- What waits for review, drawn into the buffers: old lines marked, new lines as virtual lines below them.
---
--- The server owns the proposal and sends all of it after each change; here it is only kept and drawn. Between two
--- messages the marks move with the text, so the place of a hunk is asked of its mark and not of the message.
local M = {}

local namespace = vim.api.nvim_create_namespace('claw.review')

---@class claw.Hunk one that waits: `pending` or `conflict`
---@field client integer
---@field session string
---@field hunk string
---@field state 'pending'|'conflict'
---@field change 'edit'|'create'|'delete'|'rename'
---@field uri string the file as it is now; of a created one, where it will be
---@field new_uri string where a renamed one goes
---@field start_line integer 1-based
---@field old string[] lines
---@field new string[] lines
---@field live string[] lines that stand in its place now: those of `old`, or of a conflict what the user made of them
---@field ends_open boolean its last line has no line break
---@field flags string[] what to look at before accepting it
---@field needs string[] hunks without which it makes no sense
---@field title string
---@field marks table<integer, integer> buffer → mark

--- By client, then session: files as the server sent them.
---@type table<integer, table<string, table[]>>
local proposals = {}
--- Flat, in the order of review.
---@type claw.Hunk[]
local waiting = {}

--- What the flags mean.
local flags = {
  hidden_characters = 'hides characters',
  syntax = 'adds a syntax error',
  protected = 'protected path',
}

---@param text string
---@return string[]
local function lines_of(text)
  if text == '' then
    return {}
  end
  text = text:gsub('\r\n?', '\n')
  local lines = vim.split(text, '\n', { plain = true })
  if lines[#lines] == '' then
    lines[#lines] = nil
  end
  return lines
end

---@param hunk table of the contract
---@param file table of the contract
---@return string
local function title_of(hunk, file)
  local what = ({
    create = 'new file',
    delete = 'delete this file',
    rename = 'move to ' .. vim.fn.fnamemodify(vim.uri_to_fname(file.uri), ':~:.'),
    edit = hunk.summary or hunk.symbol or 'change',
  })[file.change]
  return hunk.state == 'conflict' and 'conflict: you changed these lines' or what
end

local marks = 0

--- Sets a mark of the hunks. Every one has an id of its own: an undo puts marks back where they were by their ids, also when
--- those are other marks by now.
---@param buf integer
---@param row integer
---@param options vim.api.keyset.set_extmark
---@return integer
local function set_mark(buf, row, options)
  marks = marks + 1
  options.id = marks
  return vim.api.nvim_buf_set_extmark(buf, namespace, row, 0, options)
end

--- Calls `each` with every hunk that the server told of, in the order of review.
---@param each fun(client: integer, session: string, file: table, hunk: table)
local function told(each)
  for client, sessions in vim.spairs(proposals) do
    for session, files in vim.spairs(sessions) do
      for _, file in ipairs(files) do
        for _, hunk in ipairs(file.hunks) do
          each(client, session, file, hunk)
        end
      end
    end
  end
end

local function flatten()
  waiting = {}
  told(function(client, session, file, hunk)
    if hunk.state ~= 'pending' and hunk.state ~= 'conflict' then
      return
    end
    waiting[#waiting + 1] = {
      client = client,
      session = session,
      hunk = hunk.hunk,
      state = hunk.state,
      change = file.change,
      uri = file.change == 'rename' and type(file.old_uri) == 'string' and file.old_uri or file.uri,
      new_uri = file.uri,
      start_line = hunk.start_line,
      old = lines_of(hunk.old_text),
      new = lines_of(hunk.new_text),
      live = lines_of(type(hunk.mine) == 'string' and hunk.mine or hunk.old_text),
      ends_open = hunk.new_text:match('[^\r\n]$') ~= nil,
      flags = vim.islist(hunk.flags) and hunk.flags or {},
      needs = vim.islist(hunk.needs) and hunk.needs or {},
      title = title_of(hunk, file),
      marks = {},
    }
  end)
end

--- The buffer that shows a file, if there is one.
---@param uri string
---@return integer?
local function buffer_of(uri)
  local name = vim.fs.normalize(vim.uri_to_fname(uri))
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == '' then
      if vim.fs.normalize(vim.api.nvim_buf_get_name(buf)) == name then
        return buf
      end
    end
  end
end

--- The preview of a file that does not exist yet, if it is open.
---@param hunk claw.Hunk
---@return integer?
local function preview_of(hunk)
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.b[buf].claw_preview == hunk.session .. ' ' .. hunk.hunk then
      return buf
    end
  end
end

--- First and last of the characters that can not be seen, or that show text in another order.
local hidden = {
  { 0x00ad, 0x00ad }, { 0x061c, 0x061c }, { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x202a, 0x202e },
  { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe007f },
}

--- Text in which those are spelt out.
---@param text string
---@return string
local function visible(text)
  if not text:find('[\128-\255]') then
    return text
  end
  local spelt = vim.tbl_map(function(code)
    for _, range in ipairs(hidden) do
      if range[1] <= code and code <= range[2] then
        return ('<U+%04X>'):format(code)
      end
    end
    return vim.fn.nr2char(code, true)
  end, vim.fn.str2list(text))
  return table.concat(spelt)
end

--- New lines, each as wide as the screen so that the colour does not end with the text.
---@param hunk claw.Hunk
---@param buf integer
---@return table[]
local function virtual_lines(hunk, buf)
  local tab = string.rep(' ', vim.bo[buf].tabstop)
  return vim.tbl_map(function(line)
    line = visible(line):gsub('\t', tab)
    return { { line .. string.rep(' ', vim.o.columns - vim.api.nvim_strwidth(line)), 'ClawNew' } }
  end, hunk.new)
end

--- What is said of a hunk at the end of its first line.
---@param hunk claw.Hunk
---@param number integer of the hunk among all
---@return table[] chunks of virtual text
local function said(hunk, number)
  local chunks = { { ('  ◆ %d/%d %s'):format(number, #waiting, visible(hunk.title)), 'ClawTitle' } }
  for _, flag in ipairs(hunk.flags) do
    chunks[#chunks + 1] = { '  ▲ ' .. (flags[flag] or flag), 'ClawFlag' }
  end
  local needed = {}
  for other, needs in ipairs(waiting) do
    if needs.session == hunk.session and vim.list_contains(hunk.needs, needs.hunk) then
      needed[#needed + 1] = ('%d/%d'):format(other, #waiting)
    end
  end
  if #needed > 0 then
    chunks[#chunks + 1] = { '  needs ' .. table.concat(needed, ', '), 'ClawTitle' }
  end
  return chunks
end

---@param buf integer
---@param hunk claw.Hunk
---@param number integer of the hunk among all
local function draw_hunk(buf, hunk, number)
  local count = vim.api.nvim_buf_line_count(buf)
  local text = hunk.change ~= 'rename'
  local live = text and hunk.live or {}
  -- An insertion at the end of the file stands below the last line: there is no line above which to put it.
  local below = #live > 0 or hunk.start_line > count
  local row = math.min(math.max(hunk.start_line, 1), count) - 1
  local last = math.min(row + math.max(#live, 1), count) - 1
  local conflict = hunk.state == 'conflict'
  hunk.marks[buf] = set_mark(buf, row, {
    end_row = last,
    end_col = 0,
    strict = false,
    sign_text = conflict and '!' or (#live == 0 and '+' or '~'),
    sign_hl_group = conflict and 'ClawConflictSign' or 'ClawSign',
    virt_text = said(hunk, number),
  })
  for line = row, row + #live - 1 do
    if line < count then
      set_mark(buf, line, { line_hl_group = conflict and 'ClawConflict' or 'ClawOld' })
    end
  end
  local new = text and virtual_lines(hunk, buf) or {}
  if text and conflict then
    local what = #new > 0 and 'Claw\'s' or 'Claw takes these lines out'
    table.insert(new, 1, { { ('%s  :Claw resolve mine|claw|both'):format(what), 'ClawTitle' } })
  end
  if #new == 0 then
    return
  end
  set_mark(buf, below and last or row, { virt_lines = new, virt_lines_above = not below })
  if not below and row == 0 then
    -- Lines above the first are shown only to a window that has been scrolled there.
    for _, window in ipairs(vim.fn.win_findbuf(buf)) do
      vim.api.nvim_win_call(window, function()
        if vim.fn.line('w0') == 1 then
          vim.fn.winrestview({ topfill = #new })
        end
      end)
    end
  end
end

---@param buf integer
local function draw(buf)
  vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  for number, hunk in ipairs(waiting) do
    if hunk.change ~= 'create' and buffer_of(hunk.uri) == buf then
      draw_hunk(buf, hunk, number)
    end
  end
end

--- What the server sent: all of one session's proposal.
---@param client integer
---@param proposal {session: string, files: table[]}
function M.set(client, proposal)
  proposals[client] = proposals[client] or {}
  proposals[client][proposal.session] = proposal.files
  flatten()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == '' then
      draw(buf)
    end
  end
  M.close_previews()
  vim.cmd.redrawstatus()
  vim.api.nvim_exec_autocmds('User', { pattern = 'ClawReview', modeline = false, data = { pending = #waiting } })
end

--- The server has gone, and its proposals with it.
---@param client integer
function M.forget(client)
  for session in pairs(proposals[client] or {}) do
    M.set(client, { session = session, files = {} })
  end
  proposals[client] = nil
end

--- Everything that waits, in the order of review.
---@return claw.Hunk[]
function M.pending()
  return waiting
end

--- Rows that a hunk takes in a buffer, 0-based, both included.
---@param hunk claw.Hunk
---@param buf integer
---@return integer?, integer?
local function rows(hunk, buf)
  if vim.b[buf].claw_preview == hunk.session .. ' ' .. hunk.hunk then
    return 0, vim.api.nvim_buf_line_count(buf) - 1
  end
  local mark = hunk.marks[buf]
  local place = mark and vim.api.nvim_buf_get_extmark_by_id(buf, namespace, mark, { details = true })
  if place and place[1] then
    return place[1], math.max(place[3].end_row or place[1], place[1])
  end
end

--- The hunks in the current buffer that touch the lines; without lines, the one at the cursor. Says so if there is none.
---@param range? {[1]: integer, [2]: integer} 1-based, both included
---@return claw.Hunk[]
function M.here(range)
  local buf = vim.api.nvim_get_current_buf()
  local cursor = vim.api.nvim_win_get_cursor(0)[1]
  local first, last = range and range[1] or cursor, range and range[2] or cursor
  local found = {}
  for _, hunk in ipairs(waiting) do
    local from, to = rows(hunk, buf)
    if from and to and from < last and first <= to + 1 then
      found[#found + 1] = hunk
    end
  end
  if #found == 0 then
    vim.notify(#waiting > 0 and 'claw: no hunk here, :Claw next goes to one' or 'claw: nothing waits for review', vim.log.levels.WARN)
  end
  return range and found or { found[1] }
end

--- What was accepted and is still told of, for a choice.
---@return {session: string, hunk: string, title: string}[]
function M.accepted()
  local accepted = {}
  told(function(_, session, file, hunk)
    if hunk.state == 'accepted' then
      local title = ('%s: %s'):format(vim.fn.fnamemodify(vim.uri_to_fname(file.uri), ':~:.'), title_of(hunk, file))
      accepted[#accepted + 1] = { session = session, hunk = hunk.hunk, title = title }
    end
  end)
  return accepted
end

--- The lines of a hunk's new text that come in place of lines of the buffer; of its old text where it only deletes.
---@param hunk claw.Hunk
---@param range {[1]: integer, [2]: integer} of the buffer, 1-based, both included
---@return {[1]: integer, [2]: integer}? lines 1-based, both included
function M.paired(hunk, range)
  local from = rows(hunk, vim.api.nvim_get_current_buf())
  if not from then
    return nil
  end
  local count = #hunk.new > 0 and #hunk.new or #hunk.old
  local first, last = math.max(range[1] - from, 1), range[2] - from
  -- Old and new lines belong together in their order; what one side has more goes with the last of the other.
  return { math.min(first, count), last >= #hunk.live and count or math.min(last, count) }
end

--- The file that is shown, and the sessions that propose something for it. Says so if there is none.
---@return string uri
---@return string[] sessions
function M.file()
  local buf, uri, sessions = vim.api.nvim_get_current_buf(), nil, {}
  for _, hunk in ipairs(waiting) do
    if rows(hunk, buf) and not vim.list_contains(sessions, hunk.session) then
      sessions[#sessions + 1], uri = hunk.session, hunk.new_uri
    end
  end
  if not uri then
    vim.notify('claw: nothing waits for review in this file', vim.log.levels.WARN)
  end
  return uri or '', sessions
end

--- A file that does not exist yet, in a buffer that is not a file.
---@param hunk claw.Hunk
local function preview(hunk)
  local buf = preview_of(hunk)
  if not buf then
    local path = vim.uri_to_fname(hunk.uri)
    buf = vim.api.nvim_create_buf(false, true)
    vim.b[buf].claw_preview = hunk.session .. ' ' .. hunk.hunk
    vim.b[buf].claw_path = path
    vim.api.nvim_buf_set_name(buf, 'claw-new://' .. path)
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, hunk.new)
    vim.bo[buf].modifiable = false
    vim.bo[buf].filetype = vim.filetype.match({ filename = path }) or ''
    local number = 0
    for other, candidate in ipairs(waiting) do
      number = candidate == hunk and other or number
    end
    set_mark(buf, 0, { virt_text = said(hunk, number) })
    for row = 0, #hunk.new - 1 do
      set_mark(buf, row, { line_hl_group = 'ClawNew' })
    end
  end
  vim.api.nvim_win_set_buf(0, buf)
end

--- Previews whose hunk has been decided make room for the file, if there is one now.
function M.close_previews()
  local open = {}
  for _, hunk in ipairs(waiting) do
    open[hunk.session .. ' ' .. hunk.hunk] = true
  end
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local key = vim.b[buf].claw_preview
    if key and not open[key] then
      local file = buffer_of(vim.uri_from_fname(vim.b[buf].claw_path))
      for _, window in ipairs(vim.fn.win_findbuf(buf)) do
        vim.api.nvim_win_call(window, function()
          if file then
            vim.api.nvim_win_set_buf(window, file)
          else
            vim.cmd.enew()
          end
        end)
      end
      vim.api.nvim_buf_delete(buf, { force = true })
    end
  end
end

--- Shows a hunk and puts the cursor on it.
---@param hunk claw.Hunk
---@param number integer
local function show(hunk, number)
  vim.cmd.normal({ "m'", bang = true })
  if hunk.change == 'create' then
    preview(hunk)
  else
    local buf = vim.fn.bufadd(vim.uri_to_fname(hunk.uri))
    vim.bo[buf].buflisted = true
    vim.fn.bufload(buf)
    vim.api.nvim_win_set_buf(0, buf)
    draw(buf)
    local row = rows(hunk, buf) or 0
    vim.api.nvim_win_set_cursor(0, { row + 1, 0 })
    vim.cmd.normal({ 'zvzz', bang = true })
  end
  vim.api.nvim_echo({ { ('claw: %d/%d %s'):format(number, #waiting, hunk.title), 'ClawTitle' } }, false, {})
end

--- Goes to the next hunk (1) or the previous one (-1): in this buffer first, then in the files after or before it.
---@param direction 1|-1
function M.jump(direction)
  if #waiting == 0 then
    vim.notify('claw: nothing waits for review', vim.log.levels.WARN)
    return
  end
  local buf, cursor = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1
  local first, last, before, after
  for number, hunk in ipairs(waiting) do
    local row = rows(hunk, buf)
    if row then
      first, last = first or number, number
      if vim.b[buf].claw_preview == nil then
        before = row < cursor and number or before
        after = after or (row > cursor and number or nil)
      end
    end
  end
  local number
  if direction == 1 then
    number = after or (last and last + 1) or 1
  else
    number = before or (first and first - 1) or #waiting
  end
  number = (number - 1) % #waiting + 1
  show(waiting[number], number)
end

local group = vim.api.nvim_create_augroup('claw.review', {})
vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufWinEnter' }, {
  group = group,
  callback = function(args)
    if #waiting > 0 and vim.bo[args.buf].buftype == '' then
      draw(args.buf)
    end
  end,
})

return M
