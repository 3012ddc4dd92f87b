--- What the Neovim tests share. A test is a Lua file for `nvim --headless --clean -l`; it ends with T.finish().
---
--- From the environment: CLAW_TEST_WORK (a copy of the package that is edited), CLAW_TEST_REPO (this repository),
--- CLAW_TEST_CORPUS (the package as it was), CLAW_TEST_TURNS (the script of model turns). `claw` is in PATH, and the user's
--- configuration names the same script.
local T = { work = assert(os.getenv('CLAW_TEST_WORK')), repo = assert(os.getenv('CLAW_TEST_REPO')) }

--- The model as an editor's settings name it.
T.settings = { provider = 'script', script = os.getenv('CLAW_TEST_TURNS') }
local passed, failed = 0, 0

local function show(value)
  return type(value) == 'string' and value or vim.inspect(value)
end

--- One check. What was seen is printed only if it fails.
function T.check(name, ok, seen)
  passed, failed = passed + (ok and 1 or 0), failed + (ok and 0 or 1)
  io.stdout:write(('%s %s%s\n'):format(ok and 'ok  ' or 'FAIL', name, (not ok and seen ~= nil) and ('\n     seen: ' .. show(seen)) or ''))
end

function T.equal(name, seen, expected)
  T.check(name, vim.deep_equal(seen, expected), ('%s\n     expected: %s'):format(show(seen), show(expected)))
end

--- Waits until a condition holds, and checks that it did. Without it the rest makes no sense, so the test ends.
function T.wait(name, condition, seen)
  local ok, value = vim.wait(20000, condition, 10)
  T.check(name, ok, seen and seen() or value)
  if not ok then
    T.finish()
  end
end

function T.finish()
  io.stdout:write(('%d passed, %d failed\n'):format(passed, failed))
  io.stdout:flush()
  -- An editor that leaves while it still writes to a server is now and then ended by the pipe.
  vim.lsp.stop_client(vim.lsp.get_clients())
  vim.wait(2000, function() return #vim.lsp.get_clients() == 0 end, 10)
  vim.cmd.cquit({ count = failed == 0 and 0 or 1 })
end

--- A test that throws is a failed test that says where.
function T.run(body)
  local ok, problem = xpcall(body, debug.traceback)
  if not ok then
    T.check('runs to its end', false, problem)
    io.stdout:write(table.concat(vim.split(vim.api.nvim_exec2('messages', { output = true }).output, '\n'), '\n') .. '\n')
  end
  T.finish()
end

--- Opens a file of the package as a user does, file type and all.
function T.open(path)
  vim.cmd.edit(vim.fn.fnameescape(T.work .. '/' .. path))
  vim.bo.filetype = vim.filetype.match({ buf = 0 }) or ''
  local buf = vim.api.nvim_get_current_buf()
  T.wait('the server attaches to ' .. path, function()
    local client = vim.lsp.get_clients({ bufnr = buf, name = 'claw' })[1]
    return client and client.initialized
  end)
  return buf
end

function T.lines(buf)
  return vim.api.nvim_buf_get_lines(buf or 0, 0, -1, false)
end

function T.text(buf)
  return table.concat(T.lines(buf), '\n')
end

--- The first line that holds a text, 1-based.
function T.find(text, buf)
  for number, line in ipairs(T.lines(buf)) do
    if line:find(text, 1, true) then
      return number
    end
  end
  error('no line holds ' .. text)
end

function T.cursor(text)
  vim.api.nvim_win_set_cursor(0, { T.find(text), 0 })
end

--- What a user sees in the menu of code actions at the cursor.
function T.menu()
  local titles
  local select = vim.ui.select
  vim.ui.select = function(items, opts, choose)
    titles = vim.tbl_map(opts.format_item, items)
    choose(nil)
  end
  vim.lsp.buf.code_action()
  vim.wait(10000, function()
    return titles ~= nil
  end, 10)
  vim.ui.select = select
  return titles or {}
end

--- Takes the code action whose title matches, through Neovim's own menu. Error if there is none.
function T.action(pattern)
  local titles, taken
  local select = vim.ui.select
  vim.ui.select = function(items, opts, choose)
    titles = vim.tbl_map(opts.format_item, items)
    for _, item in ipairs(items) do
      if opts.format_item(item):match(pattern) then
        taken = opts.format_item(item)
        vim.ui.select = select
        choose(item)
        return
      end
    end
    choose(nil)
  end
  vim.lsp.buf.code_action()
  vim.wait(10000, function()
    return titles ~= nil
  end, 10)
  vim.ui.select = select
  assert(taken, ('no code action %q among: %s'):format(pattern, vim.inspect(titles)))
  return taken
end

--- What follows is an undo step of its own, as after a key.
function T.undo_break()
  vim.bo.undolevels = vim.bo.undolevels
end

--- What |T.drawn()| tells of a buffer without hunks.
T.nothing = { lines = {}, titles = {}, signs = {}, old = 0, conflict = 0 }

--- Virtual lines, signs, titles and marked lines of hunks that stand in a buffer.
function T.drawn(buf)
  local seen = { lines = {}, titles = {}, signs = {}, old = 0, conflict = 0 }
  local namespace = vim.api.nvim_get_namespaces()['claw.review']
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buf, namespace, 0, -1, { details = true })) do
    local details = mark[4]
    for _, line in ipairs(details.virt_lines or {}) do
      table.insert(seen.lines, vim.trim(line[1][1]))
    end
    if details.virt_text then
      local title = ''
      for _, chunk in ipairs(details.virt_text) do
        title = title .. chunk[1]
      end
      table.insert(seen.titles, title)
    end
    if details.sign_text then
      table.insert(seen.signs, vim.trim(details.sign_text))
    end
    seen.old = seen.old + (details.line_hl_group == 'ClawOld' and 1 or 0)
    seen.conflict = seen.conflict + (details.line_hl_group == 'ClawConflict' and 1 or 0)
  end
  return seen
end

--- Keys as the user types them.
function T.type(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 'tx', false)
end

--- A file of the package as it was before the test.
function T.original(path)
  local file = assert(io.open(assert(os.getenv('CLAW_TEST_CORPUS')) .. '/' .. path, 'rb'))
  local text = file:read('a')
  file:close()
  return text
end

function T.disk(path)
  local file = io.open(T.work .. '/' .. path, 'rb')
  if not file then
    return nil
  end
  local text = file:read('a')
  file:close()
  return text
end

return T
