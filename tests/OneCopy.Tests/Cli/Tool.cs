using System.Diagnostics;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>One run of the tool, as a process of its own.</summary>
internal sealed record Tool(int ExitCode, byte[] Bytes, string Error)
{
    public string Output => System.Text.Encoding.UTF8.GetString(Bytes);

    public static Tool Run(params ReadOnlySpan<string> arguments)
    {
        ProcessStartInfo start = new(DotnetHost.Path, [Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        using MemoryStream output = new();
        process.StandardOutput.BaseStream.CopyTo(output);
        if (!process.WaitForExit(ChildProcess.Bound))
        {
            process.Kill();
            throw new TimeoutException($"onecopy did not end within {ChildProcess.Bound}.");
        }
        return new Tool(process.ExitCode, output.ToArray(), error.GetAwaiter().GetResult());
    }

    /// <summary>
    /// Starts it, for as long as the test needs it. A shell that started the tests in the background has all below it ignore SIGINT; the
    /// tool does not.
    /// </summary>
    public static ChildProcess Start(params ReadOnlySpan<string> arguments) =>
        ChildProcess.StartProgram("env", ["--default-signal=INT", DotnetHost.Path, Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"), .. arguments]);

    /// <summary>What a terminal does at Ctrl+C.</summary>
    public static void Interrupt(ChildProcess tool)
    {
        using ChildProcess kill = ChildProcess.StartProgram("sh", "-c", $"kill -INT {tool.Pid}");
        kill.Finish();
    }

    /// <summary>Runs it and expects exit code 0.</summary>
    public static Tool Succeeds(params ReadOnlySpan<string> arguments)
    {
        Tool run = Run(arguments);
        Assert.True(run.ExitCode == 0, $"onecopy {string.Join(' ', arguments.ToArray())} ended with {run.ExitCode}:\n{run.Error}");
        return run;
    }
}
