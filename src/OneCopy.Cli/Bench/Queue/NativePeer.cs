using System.Diagnostics;
using System.Text.Json;
using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>What a program under bench/peers prints.</summary>
internal sealed record PeerLine(
    double Seconds, long Messages, double CpuSeconds,
    [property: System.Text.Json.Serialization.JsonPropertyName("p50_ns")] double P50,
    [property: System.Text.Json.Serialization.JsonPropertyName("p99_ns")] double P99,
    [property: System.Text.Json.Serialization.JsonPropertyName("p999_ns")] double P999,
    [property: System.Text.Json.Serialization.JsonPropertyName("max_ns")] double Most);

/// <summary>
/// A program under bench/peers: <c>NAME throughput|round-trip BYTES COUNT WARMUP [VARIANT]</c> starts both of its processes, and prints a line of JSON. Exit code 3: the
/// system cannot be had here, and standard error says why.
/// </summary>
internal sealed class NativePeer(string name, Family family, string directory, string program, string? variant, Func<QueueTest, long, bool> takes) : QueueSystem(name, family)
{
    private const int NotHere = 3;

    private readonly string _path = Path.Combine(directory, program);

    public override bool Takes(QueueTest test, long bytes) => takes(test, bytes);

    public override Exchange Run(QueueTest test, long bytes, long count, long warmUp, CancellationToken ct)
    {
        string[] arguments = [test.NameOf(), $"{bytes}", $"{count}", $"{warmUp}", .. variant is null ? Array.Empty<string>() : [variant]];
        long start = Stopwatch.GetTimestamp();
        PeerLine line = Parse(Output(arguments, ct));
        double most = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (line.Seconds > most)
            throw new NotHereException($"{program} {string.Join(' ', arguments)} counted {line.Seconds} seconds, and ran for {most:0.000}.");
        return new Exchange(line.Messages, line.Seconds, line.CpuSeconds, new Percentiles(line.P50, line.P99, line.P999, line.Most));
    }

    /// <summary>The version of the library that it was built with; null if it does not say.</summary>
    public string? Version(CancellationToken ct)
    {
        try
        {
            return Output(["version"], ct).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (NotHereException)
        {
            return null;
        }
    }

    private string Output(string[] arguments, CancellationToken ct)
    {
        if (!File.Exists(_path))
            throw new NotHereException($"not in {directory}. {PeerPrograms.Advice}");
        ProcessStartInfo start = new(_path, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using CancellationTokenSource bounded = CancellationTokenSource.CreateLinkedTokenSource(ct);
        bounded.CancelAfter(BoundedTurns.Bound);
        try
        {
            using Process process = Process.Start(start) ?? throw new NotHereException($"{_path} could not be started.");
            return OutputAsync(process, bounded.Token).GetAwaiter().GetResult();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new NotHereException($"{_path} could not be started: {e.Message}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new NotHereException($"{program} {string.Join(' ', arguments)} did not end within {BoundedTurns.Bound.TotalSeconds:0} seconds.");
        }
    }

    private async Task<string> OutputAsync(Process process, CancellationToken ct)
    {
        try
        {
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync(ct);
            string output = await process.StandardOutput.ReadToEndAsync(ct);
            string reason = string.Join(' ', (await error).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Take(3));
            await process.WaitForExitAsync(ct);
            return process.ExitCode switch
            {
                0 => output,
                NotHere => throw new NotHereException(reason.Length > 0 ? reason : "It does not say why."),
                int code => throw new NotHereException($"{program} ended with exit code {code}. {reason}".TrimEnd()),
            };
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private PeerLine Parse(string output)
    {
        string line = output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
        try
        {
            if (JsonSerializer.Deserialize(line, QueueBenchJson.Default.PeerLine) is { Messages: > 0, Seconds: > 0 } figures)
                return figures;
        }
        catch (JsonException)
        {
            // Told below.
        }

        throw new NotHereException($"{program} printed \"{line}\", which is no line of figures.");
    }
}
