using System.Diagnostics;

namespace OneCopy.Cli.Processes;

/// <summary>What the runtime of a worker compiles, and when.</summary>
internal enum WorkerCode
{
    /// <summary>Optimized code from the first call on: for workers that live for seconds, and are measured.</summary>
    Optimized,

    /// <summary>As a program has it that has run for long: compiled once more with what was learnt of it, as soon as it was called some thirty times. For workers that are warmed up.</summary>
    Profiled,

    /// <summary>Starts in half the time, for workers that do not live long.</summary>
    Quick,
}

/// <summary>
/// The tool itself, started once more in one of its hidden modes, and spoken with in lines. It ends when its standard input
/// does, so that none is left behind however this process ends.
/// </summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly string _title;

    private WorkerProcess(string title, ProcessStartInfo start)
    {
        _title = title;
        _process = Process.Start(start) ?? throw new IOException($"The {title} could not be started as a process.");
        _error = _process.StandardError.ReadToEndAsync();
    }

    public int Pid => _process.Id;

    public Task WaitForExitAsync() => _process.WaitForExitAsync();

    /// <summary>Of a process that has ended: its exit code, 128 + the signal's number if it was killed.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>What it has written to standard error; ends with the process.</summary>
    public Task<string> Error => _error;

    public static WorkerProcess Start(string title, params ReadOnlySpan<string> arguments) => Start(title, WorkerCode.Optimized, arguments);

    public static WorkerProcess Start(string title, WorkerCode code, params ReadOnlySpan<string> arguments)
    {
        string program = Environment.ProcessPath ?? throw new IOException("This system does not say which program this process runs.");
        ProcessStartInfo start = new(program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        foreach ((string name, string value) in SettingsOf(code))
            start.Environment[name] = value;

        // As "dotnet OneCopy.Cli.dll" the program is the host, and the first argument is what it runs.
        if (string.Equals(Path.GetFileNameWithoutExtension(program), "dotnet", StringComparison.Ordinal))
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return new WorkerProcess(title, start);
    }

    public async Task SayAsync(string line, CancellationToken ct)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(line.AsMemory(), ct);
            await _process.StandardInput.FlushAsync(ct);
        }
        catch (IOException)
        {
            throw await EndedAsync();
        }
    }

    /// <summary>The words of its next line. A worker that has ended is an error, told with what it wrote to standard error.</summary>
    public async Task<string[]> HearAsync(CancellationToken ct)
    {
        string? line = await _process.StandardOutput.ReadLineAsync(ct);
        return line is null ? throw await EndedAsync() : line.Split(' ');
    }

    /// <summary>The words behind the one expected.</summary>
    public async Task<string[]> ExpectAsync(string word, CancellationToken ct)
    {
        string[] words = await HearAsync(ct);
        return string.Equals(words[0], word, StringComparison.Ordinal)
            ? words[1..]
            : throw new IOException($"The {_title} (process {Pid}) said \"{string.Join(' ', words)}\" where \"{word}\" was awaited.");
    }

    /// <summary>Kills it if it still runs; returns when it is gone.</summary>
    public void Dispose()
    {
        try
        {
            if (!_process.HasExited)
                _process.Kill();
            _process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It ended in between.
        }

        _process.Dispose();
    }

    private static (string Name, string Value)[] SettingsOf(WorkerCode code) => code switch
    {
        WorkerCode.Optimized => [("DOTNET_TieredCompilation", "0")],
        WorkerCode.Profiled => [("DOTNET_TieredCompilation", "1"), ("DOTNET_TieredPGO", "1"), ("DOTNET_TC_CallCountingDelayMs", "0"), ("DOTNET_ThreadPool_ThreadTimeoutMs", "-1")],
        _ => [("DOTNET_EnableDiagnostics", "0")],
    };

    private async Task<IOException> EndedAsync()
    {
        await _process.WaitForExitAsync();
        string error = (await _error).Trim();
        return new IOException($"The {_title} (process {Pid}) ended early with exit code {_process.ExitCode}. {error}".TrimEnd());
    }
}
