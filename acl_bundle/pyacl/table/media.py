"""acl.media: what describes images, and what is done with them.

Videos (``vdec_``, ``venc_``) are a family of names that answer as unsimulated.
"""

ROWS = """
dvpp_malloc                                  acldvppMalloc                            Pk>e!
dvpp_malloc_with_cfg                         acldvppMallocWithCfg                     Pkik>e!     @kid
dvpp_free                                    acldvppFree                              k>e!
dvpp_create_channel_desc                     acldvppCreateChannelDesc                 >p
dvpp_destroy_channel_desc                    acldvppDestroyChannelDesc                k>e!
dvpp_get_channel_desc_channel_id             acldvppGetChannelDescChannelId           k>p!
dvpp_set_channel_desc_mode                   acldvppSetChannelDescMode                kI>e!
dvpp_set_channel_desc_param                  acldvppSetChannelDescParam               kikk>e!     @kik
dvpp_get_channel_desc_param                  acldvppGetChannelDescParam               kikkk>e!    @ki
dvpp_create_channel                          acldvppCreateChannel                     k>e!
dvpp_destroy_channel                         acldvppDestroyChannel                    k>e!
dvpp_create_pic_desc                         acldvppCreatePicDesc                     >p
dvpp_destroy_pic_desc                        acldvppDestroyPicDesc                    k>e!
dvpp_set_pic_desc_data                       acldvppSetPicDescData                    kk>e!
dvpp_set_pic_desc_size                       acldvppSetPicDescSize                    kI>e!
dvpp_set_pic_desc_format                     acldvppSetPicDescFormat                  ki>e!
dvpp_set_pic_desc_width                      acldvppSetPicDescWidth                   kI>e!
dvpp_set_pic_desc_height                     acldvppSetPicDescHeight                  kI>e!
dvpp_set_pic_desc_width_stride               acldvppSetPicDescWidthStride             kI>e!
dvpp_set_pic_desc_height_stride              acldvppSetPicDescHeightStride            kI>e!
dvpp_set_pic_desc_ret_code                   acldvppSetPicDescRetCode                 kI>e!
dvpp_get_pic_desc_data                       acldvppGetPicDescData                    k>p!
dvpp_get_pic_desc_size                       acldvppGetPicDescSize                    k>u!
dvpp_get_pic_desc_format                     acldvppGetPicDescFormat                  k>e!
dvpp_get_pic_desc_width                      acldvppGetPicDescWidth                   k>u!
dvpp_get_pic_desc_height                     acldvppGetPicDescHeight                  k>u!
dvpp_get_pic_desc_width_stride               acldvppGetPicDescWidthStride             k>u!
dvpp_get_pic_desc_height_stride              acldvppGetPicDescHeightStride            k>u!
dvpp_get_pic_desc_ret_code                   acldvppGetPicDescRetCode                 k>u!
dvpp_create_batch_pic_desc                   acldvppCreateBatchPicDesc                I>p!
dvpp_get_pic_desc                            acldvppGetPicDesc                        kI>p!
dvpp_destroy_batch_pic_desc                  acldvppDestroyBatchPicDesc               k>e!
dvpp_create_roi_config                       acldvppCreateRoiConfig                   IIII>p!
dvpp_destroy_roi_config                      acldvppDestroyRoiConfig                  k>e!
dvpp_set_roi_config_left                     acldvppSetRoiConfigLeft                  kI>e!
dvpp_set_roi_config_right                    acldvppSetRoiConfigRight                 kI>e!
dvpp_set_roi_config_top                      acldvppSetRoiConfigTop                   kI>e!
dvpp_set_roi_config_bottom                   acldvppSetRoiConfigBottom                kI>e!
dvpp_set_roi_config                          acldvppSetRoiConfig                      kIIII>e!
dvpp_create_resize_config                    acldvppCreateResizeConfig                >p
dvpp_destroy_resize_config                   acldvppDestroyResizeConfig               k>e!
dvpp_set_resize_config_interpolation         acldvppSetResizeConfigInterpolation      kI>e!
dvpp_get_resize_config_interpolation         acldvppGetResizeConfigInterpolation      k>u!
dvpp_create_jpege_config                     acldvppCreateJpegeConfig                 >p
dvpp_destroy_jpege_config                    acldvppDestroyJpegeConfig                k>e
dvpp_set_jpege_config_level                  acldvppSetJpegeConfigLevel               kI>e
dvpp_get_jpege_config_level                  acldvppGetJpegeConfigLevel               k>u!
dvpp_create_border_config                    acldvppCreateBorderConfig                >p
dvpp_destroy_border_config                   acldvppDestroyBorderConfig               k>e!
dvpp_set_border_config_value                 acldvppSetBorderConfigValue              -!          @kIf
dvpp_set_border_config_border_type           acldvppSetBorderConfigBorderType         ki>e!
dvpp_set_border_config_top                   acldvppSetBorderConfigTop                kI>e!
dvpp_set_border_config_bottom                acldvppSetBorderConfigBottom             kI>e!
dvpp_set_border_config_left                  acldvppSetBorderConfigLeft               kI>e!
dvpp_set_border_config_right                 acldvppSetBorderConfigRight              kI>e!
dvpp_get_border_config_value                 acldvppGetBorderConfigValue              -!          @kI
dvpp_get_border_config_border_type           acldvppGetBorderConfigBorderType         k>e!
dvpp_get_border_config_top                   acldvppGetBorderConfigTop                k>u!
dvpp_get_border_config_bottom                acldvppGetBorderConfigBottom             k>u!
dvpp_get_border_config_left                  acldvppGetBorderConfigLeft               k>u!
dvpp_get_border_config_right                 acldvppGetBorderConfigRight              k>u!
dvpp_create_lut_map                          acldvppCreateLutMap                      >p
dvpp_destroy_lut_map                         acldvppDestroyLutMap                     k>e!
dvpp_get_lut_map_dims                        acldvppGetLutMapDims                     k>u!
dvpp_get_lut_map_data                        acldvppGetLutMapData                     kIPU>e!
dvpp_create_hist                             acldvppCreateHist                        >p
dvpp_destroy_hist                            acldvppDestroyHist                       k>e!
dvpp_clear_hist                              acldvppClearHist                         k>e!
dvpp_get_hist_dims                           acldvppGetHistDims                       k>u!
dvpp_get_hist_data                           acldvppGetHistData                       kIPU>e!
dvpp_get_hist_ret_code                       acldvppGetHistRetCode                    k>u!
dvpp_create_stream_desc                      acldvppCreateStreamDesc                  >p
dvpp_destroy_stream_desc                     acldvppDestroyStreamDesc                 k>e!
dvpp_set_stream_desc_data                    acldvppSetStreamDescData                 kk>e!
dvpp_set_stream_desc_size                    acldvppSetStreamDescSize                 kI>e!
dvpp_set_stream_desc_format                  acldvppSetStreamDescFormat               ki>e!
dvpp_set_stream_desc_timestamp               acldvppSetStreamDescTimestamp            kk>e!
dvpp_set_stream_desc_ret_code                acldvppSetStreamDescRetCode              kI>e!
dvpp_set_stream_desc_eos                     acldvppSetStreamDescEos                  kB>e!
dvpp_get_stream_desc_data                    acldvppGetStreamDescData                 k>p!
dvpp_get_stream_desc_size                    acldvppGetStreamDescSize                 k>u!
dvpp_get_stream_desc_format                  acldvppGetStreamDescFormat               k>e!
dvpp_get_stream_desc_timestamp               acldvppGetStreamDescTimestamp            k>p!
dvpp_get_stream_desc_ret_code                acldvppGetStreamDescRetCode              k>u!
dvpp_get_stream_desc_eos                     acldvppGetStreamDescEos                  k>u!        @k
dvpp_jpeg_get_image_info                     acldvppJpegGetImageInfo                  kIUUD>e
dvpp_jpeg_get_image_info_v2                  acldvppJpegGetImageInfoV2                kIUUDD>e
dvpp_jpeg_predict_enc_size                   acldvppJpegPredictEncSize                kkU>e
dvpp_jpeg_predict_dec_size                   acldvppJpegPredictDecSize                kIiU>e
dvpp_png_get_image_info                      acldvppPngGetImageInfo                   kIUUD>e!
dvpp_png_predict_dec_size                    acldvppPngPredictDecSize                 kIiU>e!
dvpp_vpc_resize_async                        acldvppVpcResizeAsync                    kkkkk>e!
dvpp_vpc_crop_async                          acldvppVpcCropAsync                      kkkkk>e!
dvpp_vpc_crop_resize_async                   acldvppVpcCropResizeAsync                kkkkkk>e
dvpp_vpc_crop_and_paste_async                acldvppVpcCropAndPasteAsync              kkkkkk>e!
dvpp_vpc_crop_resize_paste_async             acldvppVpcCropResizePasteAsync           kkkkkkk>e
dvpp_vpc_batch_crop_async                    acldvppVpcBatchCropAsync                 kkkkkkk>e   @kklklk
dvpp_vpc_batch_crop_resize_async             acldvppVpcBatchCropResizeAsync           kkkkkkkk>e  @kklklkk
dvpp_vpc_batch_crop_and_paste_async          acldvppVpcBatchCropAndPasteAsync         kkkkkkkk>e  @kklkllk
dvpp_vpc_batch_crop_resize_paste_async       acldvppVpcBatchCropResizePasteAsync      kkkkkkkkk>e @kklkllkk
dvpp_vpc_batch_crop_resize_make_border_async acldvppVpcBatchCropResizeMakeBorderAsync kkkkkkkkk>e @kklkllkk
dvpp_jpeg_decode_async                       acldvppJpegDecodeAsync                   kkIkk>e
dvpp_jpeg_encode_async                       acldvppJpegEncodeAsync                   kkkkkk>e
dvpp_png_decode_async                        acldvppPngDecodeAsync                    kkIkk>e!
dvpp_vpc_convert_color_async                 acldvppVpcConvertColorAsync              kkkk>e!
dvpp_vpc_pyr_down_async                      acldvppVpcPyrDownAsync                   kkkkk>e!
dvpp_vpc_equalize_hist_async                 acldvppVpcEqualizeHistAsync              kkkkk>e!
dvpp_vpc_make_border_async                   acldvppVpcMakeBorderAsync                kkkkk>e!
dvpp_vpc_calc_hist_async                     acldvppVpcCalcHistAsync                  kkkkk>e!
"""  # noqa: E501  a row is a line
