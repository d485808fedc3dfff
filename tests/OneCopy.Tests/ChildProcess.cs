using System.Diagnostics;
using System.Text;
using System.Threading.Channels;

namespace OneCopy.Tests;

/// <summary>
/// A real process beside the test: OneCopy.TestProcess in one of its modes, or any other program. It says its facts in lines
/// on standard output, it goes on when it gets a line or the end of standard input, and it is killed when the test is done.
/// </summary>
/// <example>
/// <code>
/// using ChildProcess child = ChildProcess.Start("hold-pattern", "4096");
/// string facts = child.ReadLine();             // throws with the child's standard error if none comes
/// child.Kill();                                // SIGKILL, and reaped
/// </code>
/// </example>
internal sealed class ChildProcess : IDisposable
{
    /// <summary>How long a child may take for anything that has no other bound: a shared machine under load is slow.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly string _title;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder _error = new();

    private ChildProcess(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        _title = $"{Path.GetFileName(start.FileName)} {string.Join(' ', start.ArgumentList.Select(Path.GetFileName))}";
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => _ = e.Data is null ? _lines.Writer.TryComplete() : _lines.Writer.TryWrite(e.Data);
        _process.ErrorDataReceived += (_, e) => AddError(e.Data);
        _process.Start();
        Pid = _process.Id;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The process's number.</summary>
    public int Pid { get; }

    /// <summary>What it wrote to standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_error)
                return _error.ToString();
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Starts OneCopy.TestProcess in a mode of its dispatcher.</summary>
    public static ChildProcess Start(string mode, params ReadOnlySpan<string> arguments) =>
        StartProgram(DotnetHost.Path, [TestProcessPath, mode, .. arguments]);

    /// <summary>Starts another program, found on PATH.</summary>
    public static ChildProcess StartProgram(string program, params ReadOnlySpan<string> arguments) => new(new ProcessStartInfo(program, [.. arguments]));

    /// <summary>
    /// The assembly to start as <c>dotnet TestProcessPath MODE …</c>, for tests that put another program in front (strace,
    /// unshare).
    /// </summary>
    public static string TestProcessPath { get; } = Path.Combine(AppContext.BaseDirectory, "OneCopy.TestProcess.dll");

    /// <summary>The next line of standard output. Throws, with standard error, when none comes in time or the child has ended.</summary>
    public async Task<string> ReadLineAsync(TimeSpan? bound = null)
    {
        using CancellationTokenSource late = new(bound ?? Bound);
        try
        {
            return await _lines.Reader.ReadAsync(late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"No line from {this} within {bound ?? Bound}.{ErrorText()}", e);
        }
        catch (ChannelClosedException e)
        {
            throw new InvalidOperationException($"{this} says no more where a line was awaited: {await EndAsync().ConfigureAwait(false)}", e);
        }
    }

    /// <summary>How it ended, in words, with its standard error: of one that closed its input or output.</summary>
    public async Task<string> EndAsync()
    {
        using CancellationTokenSource late = new(Bound / 6);
        try
        {
            await _process.WaitForExitAsync(late.Token).ConfigureAwait(false);
            return $"it ended with exit code {_process.ExitCode}.{ErrorText()}";
        }
        catch (OperationCanceledException)
        {
            return $"it closed its end, and goes on.{ErrorText()}";
        }
    }

    /// <summary>As <see cref="ReadLineAsync"/>.</summary>
    public string ReadLine(TimeSpan? bound = null) => ReadLineAsync(bound).GetAwaiter().GetResult();

    /// <summary>Sends a line to standard input.</summary>
    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Ends standard input, which tells a child of the tests to finish.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>SIGKILL; returns when the process is gone and reaped.</summary>
    public void Kill()
    {
        _process.Kill();
        WaitForExit();
    }

    /// <summary>Ends standard input and waits for exit code 0.</summary>
    public void Finish(TimeSpan? bound = null)
    {
        CloseInput();
        int code = WaitForExit(bound);
        if (code != 0)
            throw new InvalidOperationException($"{this} ended with exit code {code}.{ErrorText()}");
    }

    /// <summary>The exit code (128 + the signal's number if killed); throws if the child does not end in time.</summary>
    public int WaitForExit(TimeSpan? bound = null)
    {
        if (!_process.WaitForExit(bound ?? Bound))
            throw new TimeoutException($"{this} did not end within {bound ?? Bound}.{ErrorText()}");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        try
        {
            if (!_process.HasExited)
                Kill();
        }
        finally
        {
            _process.Dispose();
        }
    }

    public override string ToString() => $"process {Pid} ({_title})";

    private void AddError(string? line)
    {
        lock (_error)
        {
            if (line is not null)
                _error.AppendLine(line);
        }
    }

    private string ErrorText() => Error is { Length: > 0 } text ? $" Its standard error:\n{text}" : " It wrote nothing to standard error.";
}
