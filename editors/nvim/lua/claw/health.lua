--- `:checkhealth claw`
local M = {}

function M.check()
  local health, options = vim.health, require('claw').options

  health.start('claw: Neovim')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.11 or newer is needed', { 'Other versions work without the plugin: :help claw-bare' })
    return
  end

  health.start('claw: the server')
  local program = options.cmd[1]
  local path = vim.fn.exepath(program)
  if path == '' then
    health.error(('%q is not an executable file'):format(program), {
      'Install claw, or name it: require("claw").setup({ cmd = { "/path/to/claw", "lsp" } })',
    })
    return
  end
  local version = vim.system({ path, '--version' }, { text = true, timeout = 5000 }):wait()
  if version.code ~= 0 then
    health.error(('%s --version failed: %s'):format(path, vim.trim(version.stderr or '')))
    return
  end
  health.ok(('%s, %s'):format(path, vim.trim(version.stdout)))

  if not vim.lsp.is_enabled('claw') then
    health.warn('The server is not enabled', { 'Call require("claw").setup() or vim.lsp.enable("claw")' })
  end
  local clients = vim.lsp.get_clients({ name = 'claw' })
  if #clients == 0 then
    health.info('No server runs now: it starts with the first file that is opened')
  end
  for _, client in ipairs(clients) do
    local commands = vim.tbl_get(client, 'server_capabilities', 'executeCommandProvider', 'commands') or {}
    local missing = vim.tbl_filter(function(command)
      return not vim.list_contains(commands, command)
    end, { 'claw.acceptHunk', 'claw.changeHunk', 'claw.resolveHunk', 'claw.undo', 'claw.redo' })
    if #missing > 0 then
      health.warn('The server is older than the plugin, it lacks ' .. table.concat(missing, ', '), { 'Install the claw of the same version' })
    end
    health.ok(('Runs in %s (id %d, positions in %s)'):format(client.root_dir or 'no workspace', client.id, client.offset_encoding))
  end

  health.start('claw: model and settings (claw doctor)')
  local settings = vim.tbl_keys(options.settings)
  if #settings > 0 then
    table.sort(settings)
    health.info('From setup(), unknown to what follows: ' .. table.concat(settings, ', '))
  end
  local doctor = vim.system({ path, 'doctor' }, { text = true, timeout = 15000, cwd = clients[1] and clients[1].root_dir }):wait()
  local report = doctor.code == 0 and health.ok or health.warn
  report(vim.trim((doctor.stdout or '') .. (doctor.stderr or '')))
end

return M
