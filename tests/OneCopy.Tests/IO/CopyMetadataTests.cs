using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>What a copy takes over beside the bytes.</summary>
public sealed class CopyMetadataTests : IDisposable
{
    private readonly CopyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, 100)]
    [InlineData(true, 100)]
    [InlineData(false, 1_000_000)]
    [InlineData(true, 1_000_000)]
    public void Everything_is_kept_as_cp_keeps_it(bool atomic, int length)
    {
        Requires.Root();
        _folder.Write("source", length);
        CopyFolder.Run("chown", "12345:23456", _folder["source"]);
        CopyFolder.Run("chmod", "6754", _folder["source"]);
        SetAttribute("source", "user.comment", "a value");
        SetAttribute("source", "trusted.comment", "another");
        SetAttribute("source", "user.empty", "");
        CopyFolder.Run("touch", "-m", "-d", "2001-02-03 04:05:06.123456789", _folder["source"]);
        CopyFolder.Run("touch", "-a", "-d", "2002-02-03 04:05:06.987654321", _folder["source"]);
        statx wanted = _folder.StatusOf("source");
        FileCopyResult result = FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Preserve = FileMetadata.All, Atomic = atomic });
        statx got = _folder.StatusOf("copy");
        Assert.Empty(result.MetadataLost);
        Assert.Equal((wanted.stx_mode, wanted.stx_uid, wanted.stx_gid), (got.stx_mode, got.stx_uid, got.stx_gid));
        Assert.Equal((wanted.stx_mtime.tv_sec, 123456789u), (got.stx_mtime.tv_sec, got.stx_mtime.tv_nsec));
        Assert.Equal((wanted.stx_atime.tv_sec, 987654321u), (got.stx_atime.tv_sec, got.stx_atime.tv_nsec));
        Assert.Equal(("a value", "another", ""), (Attribute("copy", "user.comment"), Attribute("copy", "trusted.comment"), Attribute("copy", "user.empty")));

        CopyFolder.Run("cp", "-a", _folder["source"], _folder["cp"]);
        CopyFolder.Run("touch", "-a", "-d", "2002-02-03 04:05:06.987654321", _folder["cp"]);
        const string Format = "%a %u %g %s %Y %X";
        Assert.Equal(CopyFolder.Run("stat", "-c", Format, _folder["cp"]), CopyFolder.Run("stat", "-c", Format, _folder["copy"]));
    }

    [Fact]
    public void What_is_not_asked_for_is_not_kept()
    {
        Requires.Root();
        _folder.Write("source", 100);
        CopyFolder.Run("chown", "12345:23456", _folder["source"]);
        SetAttribute("source", "user.comment", "a value");
        CopyFolder.Run("touch", "-d", "2001-02-03", _folder["source"]);
        CopyFolder.Run("chmod", "777", _folder["source"]);
        FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Preserve = FileMetadata.None });
        statx got = _folder.StatusOf("copy");
        string umask = CopyFolder.Run("sh", "-c", "umask");
        Assert.Equal((0x1FF & ~Convert.ToUInt32(umask, 8), 0u, 0u), (got.stx_mode & 0xFFFu, got.stx_uid, got.stx_gid));
        Assert.Null(Attribute("copy", "user.comment"));
        Assert.NotEqual(_folder.StatusOf("source").stx_mtime.tv_sec, got.stx_mtime.tv_sec);
    }

    [Fact]
    public void Set_user_id_stays_with_the_same_owner_alone()
    {
        Requires.Root();
        _folder.Write("source", 100);
        CopyFolder.Run("chown", "12345:23456", _folder["source"]);
        CopyFolder.Run("chmod", "6755", _folder["source"]);
        FileCopyResult result = FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Preserve = FileMetadata.Mode });
        Assert.Equal(Convert.ToUInt32("755", 8), _folder.StatusOf("copy").stx_mode & 0xFFFu);
        Assert.Equal("setuid setgid", string.Join(' ', result.MetadataLost.Select(l => l.Name)));
        CopyFolder.Run("chown", "0:0", _folder["source"]);
        CopyFolder.Run("chmod", "6755", _folder["source"]);
        FileCopier.Copy(_folder["source"], _folder["copy2"], new FileCopyOptions { Preserve = FileMetadata.Mode });
        Assert.Equal(Convert.ToUInt32("6755", 8), _folder.StatusOf("copy2").stx_mode & 0xFFFu);
    }

    [Fact]
    public void An_existing_file_keeps_its_mode_unless_the_sources_is_asked_for()
    {
        _folder.Write("source", 100);
        _folder.Write("copy", 100);
        CopyFolder.Run("chmod", "640", _folder["source"]);
        CopyFolder.Run("chmod", "604", _folder["copy"]);
        FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Preserve = FileMetadata.None });
        Assert.Equal(Convert.ToUInt32("604", 8), _folder.StatusOf("copy").stx_mode & 0xFFFu);
        FileCopier.Copy(_folder["source"], _folder["copy"]);
        Assert.Equal(Convert.ToUInt32("640", 8), _folder.StatusOf("copy").stx_mode & 0xFFFu);
    }

    /// <summary>An access control list is an attribute with a binary value: version 2, then tag, permissions and id of each entry.</summary>
    [Fact]
    public void Access_control_lists_are_kept_with_the_mode_and_a_directorys_default_is_not_put_in_their_place()
    {
        byte[] list = [2, 0, 0, 0, .. Entry(1, 6, -1), .. Entry(2, 4, 12345), .. Entry(4, 4, -1), .. Entry(16, 4, -1), .. Entry(32, 0, -1)];
        _folder.Write("source", 100);
        _folder.Write("plain", 100);
        Directory.CreateDirectory(_folder["into"]);
        try
        {
            SetAttribute("source", "system.posix_acl_access", list);
            SetAttribute("into", "system.posix_acl_default", list);
        }
        catch (OneCopyException e)
        {
            Assert.Skip($"This file system has no access control lists: {e.Message}");
        }
        FileCopier.Copy(_folder["source"], _folder["copy"]);
        Assert.Equal(list, AttributeBytes("copy", "system.posix_acl_access"));
        FileCopier.Copy(_folder["plain"], _folder["into/plain"]);
        Assert.Null(AttributeBytes("into/plain", "system.posix_acl_access"));
        Assert.Equal(_folder.StatusOf("plain").stx_mode, _folder.StatusOf("into/plain").stx_mode);

        static byte[] Entry(short tag, short permissions, int id) => [.. BitConverter.GetBytes(tag), .. BitConverter.GetBytes(permissions), .. BitConverter.GetBytes(id)];
    }

    [Fact]
    public void What_cannot_be_kept_is_said_with_its_reason()
    {
        _folder.Write("source", 100);
        SetAttribute("source", "user.comment", "a value");
        FileCopyResult result = FileCopier.Copy(_folder["source"], "/dev/shm/" + Path.GetFileName(_folder.Path), new FileCopyOptions { Preserve = FileMetadata.All });
        try
        {
            // tmpfs has user attributes since Linux 6.6: then all is kept.
            if (result.MetadataLost.Count > 0)
                Assert.Equal([new MetadataLoss(FileMetadata.ExtendedAttributes, "user.comment", "fsetxattr: EOPNOTSUPP")], result.MetadataLost);
        }
        finally
        {
            File.Delete("/dev/shm/" + Path.GetFileName(_folder.Path));
        }
    }

    private void SetAttribute(string file, string name, string value) => SetAttribute(file, name, System.Text.Encoding.UTF8.GetBytes(value));

    private unsafe void SetAttribute(string file, string name, byte[] value)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = SafeFd.Open(_folder[file], OpenFlags.O_RDONLY);
        using NativePath native = new(name);
        fixed (byte* p = value)
            Xattr.fsetxattr(handle.Fd(), native.Bytes, p, value.Length).OrThrow("fsetxattr", name);
    }

    private string? Attribute(string file, string name) => AttributeBytes(file, name) is byte[] bytes ? System.Text.Encoding.UTF8.GetString(bytes) : null;

    private unsafe byte[]? AttributeBytes(string file, string name)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = SafeFd.Open(_folder[file], OpenFlags.O_RDONLY);
        using NativePath native = new(name);
        byte* value = stackalloc byte[1000];
        SysResult r = Xattr.fgetxattr(handle.Fd(), native.Bytes, value, 1000);
        return r.Succeeded ? new ReadOnlySpan<byte>(value, (int)r.Value).ToArray() : null;
    }
}
