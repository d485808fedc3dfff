namespace OneCopy.Cli.Torture;

/// <summary>What was asked for.</summary>
/// <param name="Duration">How long processes are killed and started; tidying up and the account come behind it.</param>
/// <param name="Seed">The same seed makes the same plan.</param>
/// <param name="Processes">How many live at a time.</param>
/// <param name="Keep">Whether the journals are kept if something is wrong.</param>
internal sealed record TortureOptions(TimeSpan Duration, long Seed, int Processes, bool Keep);
