using System.Diagnostics;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>A directory of one test, on the disk or in memory.</summary>
internal sealed class CopyFolder : IDisposable
{
    private readonly SmallFileSystem? _mount;

    public CopyFolder(string? root = null) => Directory.CreateDirectory(Path = PathIn(root));

    private CopyFolder(SmallFileSystem mount)
    {
        _mount = mount;
        Path = mount.Path;
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>A file system in memory that is full after so many bytes.</summary>
    public static CopyFolder Small(int bytes) => new(new SmallFileSystem("tmpfs", bytes));

    /// <summary>A file of random bytes.</summary>
    public byte[] Write(string name, int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        File.WriteAllBytes(this[name], content);
        return content;
    }

    /// <summary>A file of holes, with random bytes at the given places.</summary>
    public void WriteSparse(string name, long length, params IEnumerable<(long Offset, int Length)> data)
    {
        using FileStream file = new(this[name], FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(length);
        foreach ((long offset, int count) in data)
        {
            byte[] bytes = new byte[count];
            new Random((int)offset ^ count).NextBytes(bytes);
            RandomAccess.Write(file.SafeFileHandle, bytes, offset);
        }
    }

    public statx StatusOf(string name)
    {
        Stat.Of(this[name], out statx status, followLinks: false).OrThrow("statx", this[name]);
        return status;
    }

    /// <summary>Bytes that a file takes.</summary>
    public long AllocatedBytes(string name) => (long)StatusOf(name).stx_blocks * 512;

    /// <summary>Compared by another program.</summary>
    public void AssertSame(string a, string b) => Run("cmp", this[a], this[b]);

    public string[] Names() => [.. Directory.GetFileSystemEntries(Path).Select(p => System.IO.Path.GetFileName(p)).Order(StringComparer.Ordinal)];

    /// <summary>Descriptors of this process that lead into the directory.</summary>
    public int OpenDescriptors() =>
        Directory.GetFiles("/proc/self/fd").Count(fd => new FileInfo(fd).LinkTarget?.StartsWith(Path, StringComparison.Ordinal) ?? false);

    public static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}. {text} {error.GetAwaiter().GetResult()}");
        return text.TrimEnd();
    }

    public void Dispose()
    {
        if (_mount is not null)
        {
            _mount.Dispose();
            return;
        }

        // Not Directory.Delete: it cannot remove names that are no UTF-8.
        Run("rm", "-rf", Path);
    }

    private static string PathIn(string? root) => System.IO.Path.Combine(root ?? System.IO.Path.GetTempPath(), $"onecopy-copy-{Guid.NewGuid():N}");
}

/// <summary>Told in the same call, unlike <see cref="Progress{T}"/>: a test does its part between two steps of a copy.</summary>
internal sealed class Told(Action<FileCopyProgress> action) : IProgress<FileCopyProgress>
{
    public void Report(FileCopyProgress value) => action(value);
}
