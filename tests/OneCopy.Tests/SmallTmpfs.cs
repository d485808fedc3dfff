using Xunit;

namespace OneCopy.Tests;

/// <summary>A file system of a few pages, mounted for one test.</summary>
internal sealed class SmallTmpfs : IDisposable
{
    public SmallTmpfs(int bytes)
    {
        Requires.Root();
        Directory.CreateDirectory(Path);
        Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs", Path);
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"onecopy-test-{Guid.NewGuid():N}");

    public void Dispose()
    {
        Run("umount", "-l", Path);
        Directory.Delete(Path);
    }

    private static void Run(string program, params string[] arguments)
    {
        using ChildProcess child = ChildProcess.StartProgram(program, arguments);
        int code = child.WaitForExit();
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: exit code {code}. {child.Error}");
    }
}
