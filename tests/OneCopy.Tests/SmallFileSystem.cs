using Xunit;

namespace OneCopy.Tests;

/// <summary>A file system of a few MiB, mounted for one test: tmpfs, ext4 on a file, or ramfs (which has no limit, and cannot allocate).</summary>
internal sealed class SmallFileSystem : IDisposable
{
    private readonly TestFolder _folder = new();

    public SmallFileSystem(string type, int bytes)
    {
        Requires.Root();
        Path = _folder.File("mount");
        Directory.CreateDirectory(Path);
        if (type is "ext4")
        {
            string image = _folder.File("image");
            using (FileStream file = File.Create(image))
                file.SetLength(bytes);
            Run("mkfs.ext4", "-q", "-m", "0", image);
            Run("mount", "-o", "loop", image, Path);
            Directory.Delete(System.IO.Path.Combine(Path, "lost+found"));
        }
        else
        {
            Run("mount", "-t", type, "-o", $"size={bytes}", type, Path);
        }
    }

    public string Path { get; }

    /// <summary>Waits until so many bytes are free: what was deleted is not, while a child that some other test is starting has it open, which is until its exec.</summary>
    public void AwaitFree(long bytes) => Eventually.True(() => new DriveInfo(Path).AvailableFreeSpace == bytes, $"{bytes:N0} bytes of {Path} are free");

    public void Dispose()
    {
        Run("umount", "-l", Path);
        _folder.Dispose();
    }

    private void Run(string program, params string[] arguments)
    {
        int code;
        string error;
        try
        {
            using ChildProcess child = ChildProcess.StartProgram(program, arguments);
            code = child.WaitForExit();
            error = child.Error;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            _folder.Dispose();
            Assert.Skip($"Needs {program}: {e.Message}");
            return;
        }

        if (code != 0 && program is not "umount")
        {
            _folder.Dispose();
            Assert.Skip($"{program} {string.Join(' ', arguments)} is refused here: exit code {code}. {error}");
        }
    }
}
