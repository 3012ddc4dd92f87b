-- Loaded at start-up: the command and its colours, nothing that costs time. The rest loads when it is used.
if vim.g.loaded_claw then
  return
end
vim.g.loaded_claw = true

for name, target in pairs({
  ClawOld = 'DiffDelete',
  ClawNew = 'DiffAdd',
  ClawConflict = 'DiffChange',
  ClawConflictSign = 'DiagnosticSignWarn',
  ClawFlag = 'DiagnosticWarn',
  ClawSign = 'DiagnosticSignHint',
  ClawTitle = 'DiagnosticHint',
}) do
  vim.api.nvim_set_hl(0, name, { link = target, default = true })
end

vim.api.nvim_create_user_command('Claw', function(args)
  require('claw.command').run(args)
end, {
  nargs = '*',
  range = true,
  desc = 'Ask Claw, and review what it proposes',
  complete = function(lead, line)
    return require('claw.command').complete(lead, line)
  end,
})
