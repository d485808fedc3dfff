namespace OneCopy.TestProcess;

/// <summary>
/// The child process of the tests: <c>OneCopy.TestProcess MODE [argument]…</c>. A mode prints one line of facts when it is
/// ready, does what its arguments and standard input say, and returns its exit code. A failure goes to standard error, exit
/// code 1.
/// </summary>
internal static class Program
{
    /// <summary>Every family of modes has a class of its own and adds them here.</summary>
    private static readonly Dictionary<string, Func<string[], int>> s_modes = new(StringComparer.Ordinal);

    private static int Main(string[] args)
    {
        s_modes.Add("echo", Echo);
        MemoryModes.AddTo(s_modes);
        QueueModes.AddTo(s_modes);
        QueueFaults.AddTo(s_modes);
        GuardModes.AddTo(s_modes);
        MapModes.AddTo(s_modes);
        FuzzMode.AddTo(s_modes);
        LaneModes.AddTo(s_modes);
        LifeModes.AddTo(s_modes);
        CrashModes.AddTo(s_modes);
        VectoredModes.AddTo(s_modes);
        CopyModes.AddTo(s_modes);
        StreamModes.AddTo(s_modes);
        if (args.Length == 0 || !s_modes.TryGetValue(args[0], out Func<string[], int>? mode))
        {
            Console.Error.WriteLine($"Usage: OneCopy.TestProcess MODE [argument]…\nModes: {string.Join(", ", s_modes.Keys.Order(StringComparer.Ordinal))}");
            return 2;
        }
        try
        {
            return mode(args[1..]);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return 1;
        }
    }

    /// <summary>Says its arguments, then repeats standard input line by line.</summary>
    private static int Echo(string[] args)
    {
        Console.WriteLine(string.Join(' ', args));
        while (Console.ReadLine() is string line)
            Console.WriteLine(line);
        return 0;
    }
}
