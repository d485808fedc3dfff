using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace OneCopy.Cli.Processes;

/// <summary>The other end of a <see cref="WorkerProcess"/>: lines come in, lines go out.</summary>
internal sealed class WorkerSide : IDisposable
{
    private readonly BlockingCollection<string> _lines = [];

    // Ctrl+C reaches every process of the terminal's foreground; workers leave it to the one that started them.
    private readonly PosixSignalRegistration _deaf = PosixSignalRegistration.Create(PosixSignal.SIGINT, static c => c.Cancel = true);

    private WorkerSide() => new Thread(Read) { IsBackground = true, Name = "commands" }.Start();

    /// <summary>Runs a worker; a failure goes to standard error, where its starter finds it.</summary>
    public static int Run(Action<WorkerSide> work)
    {
        using WorkerSide side = new();
        try
        {
            work(side);
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or OutOfMemoryException or TimeoutException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    /// <summary>The words of the next command; waits for it.</summary>
    public string[] Hear() => _lines.Take().Split(' ');

    public static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    public void Dispose()
    {
        _deaf.Dispose();
        _lines.Dispose();
    }

    private void Read()
    {
        while (Console.In.ReadLine() is { } line)
            _lines.Add(line);

        // The starter is gone or wants us gone. What this process holds of a queue is given back by its death.
        Environment.Exit(0);
    }
}
