using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>A process of a row: takes lines of commands, one at a time, and says what happens to it on the way.</summary>
internal sealed class CrashProcess : IDisposable
{
    private const int SIGCONT = 18;
    private readonly ChildProcess _child;
    private readonly SafeFileHandle _pidfd;
    private readonly List<string> _events = [];
    private readonly Task<string> _ready;

    public CrashProcess(int number, string board)
    {
        // Processes come and go all the time here: their start is not to keep those waiting whose time is measured.
        _child = number is CrashSlot.SenderNumber or CrashSlot.ReceiverNumber
            ? ChildProcess.Start("crash-actor", $"{number}", board)
            : ChildProcess.StartProgram("nice", DotnetHost.Path, ChildProcess.TestProcessPath, "crash-actor", $"{number}", board);
        _pidfd = SafeFd.Of(Pidfd.pidfd_open(_child.Pid));
        _ready = _child.ReadLineAsync();
    }

    /// <summary>What it said it did, in order: words separated by bars.</summary>
    public IReadOnlyList<string> Events => _events;

    public bool HasEnded => Pidfd.HasExited(_pidfd.Fd());

    public bool IsStopped => StateOf(_child.Pid) == 'T';

    /// <summary>Does the commands of a line and returns the answer. Throws what they threw, and when the process ends on the way.</summary>
    public async Task<string> Do(string line, TimeSpan? bound = null)
    {
        await _ready;
        try
        {
            _child.WriteLine(line);
        }
        catch (IOException e)
        {
            throw new InvalidOperationException($"{_child} takes no \"{line}\": {await _child.EndAsync()}", e);
        }

        while (true)
        {
            string said = await _child.ReadLineAsync(bound);
            if (said.StartsWith("e ", StringComparison.Ordinal))
                _events.Add(said[2..]);
            else if (said.StartsWith("ok", StringComparison.Ordinal))
                return said.Length > 3 ? said[3..] : "";
            else
                throw new InvalidOperationException($"\"{line}\" in {_child}: {said}");
        }
    }

    public void Continue() => Pidfd.pidfd_send_signal(_pidfd.Fd(), SIGCONT).OrThrow("pidfd_send_signal");

    public void Kill() => _child.Kill();

    public void Reap() => _child.WaitForExit();

    public void Dispose()
    {
        _child.Dispose();
        _pidfd.Dispose();
    }

    private static char StateOf(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[stat.LastIndexOf(')') + 2];
    }
}
