using System.Diagnostics;

namespace OneCopy.TestProcess;

/// <summary>A second process that uses the queue under attack, a step at a time, when it is told to.</summary>
internal sealed class FuzzPeer : IDisposable
{
    public const string Mode = "queue-fuzz-peer";
    private const int StepsInOne = 6;
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(20);
    private readonly Process _process;
    private readonly Action<string> _fail;

    public FuzzPeer(string root, Action<string> fail)
    {
        _fail = fail;
        ProcessStartInfo start = new(Environment.ProcessPath!, [typeof(FuzzPeer).Assembly.Location, Mode, root])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
    }

    public void Tell(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        Task<string?> answer = _process.StandardOutput.ReadLineAsync();
        if (!answer.Wait(s_bound))
            _fail($"the second process did not answer to \"{command}\"");
        else if (answer.Result is not "done")
            _fail($"the second process ended, or failed, at \"{command}\": {answer.Result}");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(s_bound))
            _fail("the second process does not end");
        _process.Dispose();
    }

    /// <summary>ROOT: "open NAME SEED", "go", "close"; says "done" after each, or what went wrong.</summary>
    public static int Serve(string[] args)
    {
        FuzzOperations? operations = null;
        string? wrong = null;
        while (Console.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            if (words[0] is "open")
                operations = new FuzzOperations(args[0], words[1], int.Parse(words[2]), Note, static _ => null);
            for (int i = 0; words[0] is "go" && i < StepsInOne; i++)
                operations!.Any();
            if (words[0] is "close")
                operations!.Dispose();
            Console.WriteLine(wrong ?? "done");
        }

        return 0;

        void Note(string operation, Exception e)
        {
            if (!FuzzOperations.IsDocumented(e))
                wrong ??= $"{operation} threw {e}".ReplaceLineEndings(" | ");
        }
    }
}
