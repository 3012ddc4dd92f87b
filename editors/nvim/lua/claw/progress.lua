--- What the turns are doing, from `$/progress`.
local M = {}

--- Titles and last messages of what runs, by client and token.
---@type table<string, {client: integer, title: string, message: string}>
local running = {}

---@param client_id integer
---@param token string|integer
---@param value {kind: string, title?: string, message?: string, percentage?: integer}
function M.update(client_id, token, value)
  local key = client_id .. ' ' .. tostring(token)
  if value.kind == 'end' then
    running[key] = nil
  else
    local known = running[key] or { client = client_id, title = '', message = '' }
    running[key] = { client = client_id, title = value.title or known.title, message = value.message or known.message }
  end
  vim.cmd.redrawstatus()
  if require('claw').options.progress then
    -- Not a message of the history, and never two lines: that would ask for a key.
    local text = M.text():gsub('%s+', ' ')
    vim.api.nvim_echo({ { vim.fn.strcharpart(text, 0, math.max(vim.o.columns - 12, 20)), 'ClawTitle' } }, false, {})
  end
end

--- One line about what runs; empty when nothing does.
---@return string
function M.text()
  local _, first = next(running)
  if not first then
    return ''
  end
  local more = vim.tbl_count(running) - 1
  local text = first.message ~= '' and ('%s: %s'):format(first.title, first.message) or first.title
  return more > 0 and ('%s (and %d more)'):format(text, more) or text
end

---@return string[] titles
function M.running()
  return vim.tbl_map(function(entry)
    return entry.message ~= '' and ('%s: %s'):format(entry.title, entry.message) or entry.title
  end, vim.tbl_values(running))
end

--- The server has gone.
---@param client_id integer
function M.forget(client_id)
  for key, entry in pairs(running) do
    if entry.client == client_id then
      running[key] = nil
    end
  end
end

vim.api.nvim_create_autocmd('LspProgress', {
  group = vim.api.nvim_create_augroup('claw.progress', {}),
  callback = function(args)
    local client = vim.lsp.get_client_by_id(args.data.client_id)
    if client and client.name == 'claw' then
      M.update(args.data.client_id, args.data.params.token, args.data.params.value)
    end
  end,
})

return M
