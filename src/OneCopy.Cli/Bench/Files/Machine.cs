using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Files;

/// <summary>Where the figures are from.</summary>
internal sealed record Machine(string FileSystem, string Kernel, int Processors)
{
    public static Machine Of(string directory) => new(FileSystemOf(directory), Environment.OSVersion.Version.ToString(), Environment.ProcessorCount);

    public override string ToString() => $"{FileSystem}, Linux {Kernel}, {Processors} processors";

    private static string FileSystemOf(string directory)
    {
        using SafeFileHandle opened = SafeFd.Open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        return OneCopy.FileSystem.NameOf(opened.Fd());
    }
}
