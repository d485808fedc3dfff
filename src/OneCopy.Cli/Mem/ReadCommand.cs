using System.CommandLine;
using System.Text.Json;

namespace OneCopy.Cli.Mem;

/// <summary><c>onecopy mem read PID ADDRESS[:LENGTH]…</c>.</summary>
internal static class ReadCommand
{
    public static Command Create()
    {
        Argument<int> pid = MemArguments.Pid();
        Argument<MemoryRange[]> ranges = new("ADDRESS[:LENGTH]")
        {
            Description = "Where to read (hexadecimal), and how many bytes (256 if not said).",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = MemoryRange.ParseAll,
        };
        Option<bool> raw = new("--raw") { Description = "Write the bytes themselves to standard output, one range behind the other." };
        Option<bool> json = MemArguments.Json();
        Command command = new TeachingCommand("read", "Read ranges of a process's memory.", """
            All ranges are read with one system call, straight into one buffer.
            Prints what a person can read; --raw gives the bytes. If a range cannot be read to its end, what comes before the hole is
            printed, the address of the hole is named, and the exit code is 1; the ranges behind it are still read.

            Examples:
              onecopy mem read 4711 0x7f0c2a1b3000
              onecopy mem read 4711 7f0c2a1b3000:64 7f0c2a1b9000:0x10
              onecopy mem read 4711 7f0c2a1b3000:4096 --raw > page.bin
            """)
        { pid, ranges, raw, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(raw) && result.GetValue(json))
                result.AddError("--raw and --json do not go together.");
        });
        command.SetAction(parsed => MemArguments.Report(() =>
            Run(parsed.GetValue(pid), parsed.GetValue(ranges) ?? [], parsed.GetValue(raw), parsed.GetValue(json))));
        return command;
    }

    private static int Run(int pid, MemoryRange[] ranges, bool raw, bool json)
    {
        using ProcessMemory memory = ProcessMemory.Open(pid);
        List<(MemoryRange Range, Memory<byte> Bytes, nuint? Fault)> pieces = ReadAll(memory, ranges);
        if (json)
        {
            ReadReport report = new(pid, memory.Method.ToString(), [.. pieces.Select(p => new RangeReport(
                $"0x{p.Range.Address:x}", p.Range.Length, p.Bytes.Length, Convert.ToHexStringLower(p.Bytes.Span), p.Fault is nuint f ? $"0x{f:x}" : null))]);
            Console.WriteLine(JsonSerializer.Serialize(report, MemJson.Default.ReadReport));
        }
        else if (raw)
        {
            using Stream output = Console.OpenStandardOutput();
            foreach ((_, Memory<byte> bytes, _) in pieces)
                output.Write(bytes.Span);
        }
        else
        {
            foreach ((MemoryRange range, Memory<byte> bytes, _) in pieces)
                HexDump.Write(Console.Out, range.Address, bytes.Span);
        }
        int holes = 0;
        foreach ((MemoryRange range, Memory<byte> bytes, nuint? fault) in pieces)
        {
            if (fault is null)
                continue;
            holes++;
            Console.Error.WriteLine(
                $"0x{range.Address:x}:{range.Length} could not be read to its end: {bytes.Length} bytes arrived, "
                + $"address 0x{fault:x} is not mapped or may not be read ('onecopy mem maps {pid}' shows what is).");
        }
        return holes == 0 ? 0 : 1;
    }

    /// <summary>One request for all; after a hole, one for what is behind the range with the hole.</summary>
    private static List<(MemoryRange Range, Memory<byte> Bytes, nuint? Fault)> ReadAll(ProcessMemory memory, MemoryRange[] ranges)
    {
        List<(MemoryRange, Memory<byte>, nuint?)> pieces = [];
        while (pieces.Count < ranges.Length)
        {
            MemoryRange[] rest = ranges[pieces.Count..];
            byte[] buffer = new byte[rest.Sum(r => r.Length)];
            TransferResult result = memory.ReadPartial([.. rest.Select(r => new RemoteSegment(r.Address, (nuint)r.Length))], [buffer]);
            int at = 0;
            foreach (MemoryRange range in rest)
            {
                int arrived = (int)Math.Min(range.Length, result.Bytes - at);
                bool cut = arrived < range.Length;
                pieces.Add((range, buffer.AsMemory(at, arrived), cut ? result.FaultAddress : null));
                at += arrived;
                if (cut)
                    break;
            }
        }
        return pieces;
    }
}
