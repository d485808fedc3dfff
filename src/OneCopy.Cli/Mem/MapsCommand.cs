using System.CommandLine;
using System.Text.Json;

namespace OneCopy.Cli.Mem;

/// <summary><c>onecopy mem maps PID</c>.</summary>
internal static class MapsCommand
{
    public static Command Create()
    {
        Argument<int> pid = MemArguments.Pid();
        Option<bool> json = MemArguments.Json();
        Command command = new TeachingCommand("maps", "List the regions of a process's memory.", """
            Columns: addresses, protection (r read, w write, x execute; s shared, p private), size in bytes, offset in the file, file.

            Examples:
              onecopy mem maps 4711
              onecopy mem maps 4711 | grep heap
              onecopy mem maps 4711 --json
            """)
        { pid, json };
        command.SetAction(parsed => MemArguments.Report(() => Run(parsed.GetValue(pid), parsed.GetValue(json))));
        return command;
    }

    private static int Run(int pid, bool json)
    {
        using ProcessMemory memory = ProcessMemory.Open(pid);
        IReadOnlyList<MemoryRegion> regions = memory.Regions();
        if (json)
        {
            IReadOnlyList<RegionReport> reports = [.. regions.Select(r => new RegionReport(
                $"0x{r.Start:x}", $"0x{r.End:x}", r.Length, r.ProtectionText, r.IsShared, r.Offset, r.Device, r.Inode, r.Path, r.IsDeleted))];
            Console.WriteLine(JsonSerializer.Serialize(reports, MemJson.Default.IReadOnlyListRegionReport));
            return 0;
        }
        foreach (MemoryRegion r in regions)
        {
            string path = r.IsDeleted ? $"{r.Path} (deleted)" : r.Path ?? "";
            Console.WriteLine($"{r.Start:x12}-{r.End:x12} {r.ProtectionText} {r.Length,14} {r.Offset:x8} {path}".TrimEnd());
        }
        return 0;
    }
}
